"""The REST surface: thin adapters between HTTP and the loop, the registry and the stores."""
