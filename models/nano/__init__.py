"""A five-million-parameter Ministral-shaped model that calls functions, and its whole recipe."""
