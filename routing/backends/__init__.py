"""One module an engine. Only the composition root imports from here."""
