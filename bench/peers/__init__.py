"""Other frameworks behind the same route, for the same load."""
