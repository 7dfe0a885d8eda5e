"""MCP servers as a source of tools.

    source        a server as the operator configures it
    definition    a tool as the server describes it, and the tool that it becomes here
    pins          definitions as they were approved, in a file
    client        one session over stdio or HTTP: the only module that knows the SDK
    stderr        what a server writes to its standard error, as lines of the log
    sessions      a session for each tenant, opened when needed
    keeper        keeps the registry in step with one server
    servers       all of them, side by side

What it is: listing and calling. What it is not: prompts, resources, sampling and elicitation; a server that
asks for them is told that there are none.
"""
