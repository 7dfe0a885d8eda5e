"""The registry for MCP clients, at `/mcp`: streamable HTTP, without sessions.

The official SDK speaks the protocol, in each of its versions; what a call may do is decided where
every call is (`gateway.api.calling`). The SDK takes most of a second to import, so it comes at the first
request, beside the event loop.
"""
