"""Tools: what they are, whether a call to one is right, and running it."""
