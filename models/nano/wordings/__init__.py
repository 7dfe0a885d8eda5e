"""More wordings for the generator: templates only, one module per tool and language."""
