"""Grammars under which a model can spell nothing but valid calls."""
