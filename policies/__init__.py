"""What may be asked, offered, called, answered: rules over what flows through a run.

Above `tools` and `routing`, whose values it reads, and below `gateway`, which asks it. It never calls
a model or a tool.
"""
