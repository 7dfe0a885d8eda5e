"""What of a long conversation a model is shown. Pure; nothing here asks a model."""
