"""The web page, served by `gateway.api.console`: HTML, CSS and modules as they are."""
