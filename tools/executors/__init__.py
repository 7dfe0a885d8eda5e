"""Ways to run a tool, one module each: Python functions, HTTP."""
