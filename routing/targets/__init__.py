"""What each kind of engine makes of a tool's parameters: held to, left out, refused."""
