"""What leaves for a model of somebody else's: placeholders in place of what is private, and back."""
