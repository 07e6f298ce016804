"""A real MCP server, written on the official package: `python mcp_example.py` speaks on its standard streams, with
`http PORT` on loopback; it then says on standard output that it listens.
"""

import asyncio
import os
import sys

from mcp.server.mcpserver import Context, MCPServer
from mcp.types import CallToolResult, ImageContent, TextContent

server = MCPServer("example")


@server.tool()
def add(a: int, b: int) -> str:
    """Add two numbers."""
    return str(a + b)


@server.tool()
def environment() -> str:
    """Name the variables that this process has."""
    return " ".join(sorted(os.environ))


@server.tool()
def fail() -> CallToolResult:
    """Fail, in words."""
    return CallToolResult(content=[TextContent(type="text", text="no such lamp: 1234")], is_error=True)


@server.tool()
def picture() -> CallToolResult:
    """Tell more than text."""
    text = TextContent(type="text", text="a lamp")
    return CallToolResult(content=[text, ImageContent(type="image", data="AAAA", mime_type="image/png")])


@server.tool()
async def hang() -> str:
    """Never answer."""
    await asyncio.Event().wait()
    return ""


@server.tool()
def die() -> str:
    """End this process at once."""
    os._exit(1)


@server.tool()
async def grow(context: Context) -> str:
    """Have one tool more."""

    @server.tool()
    def grown() -> str:
        """Is new."""
        return "grown"

    await context.session.send_tool_list_changed()
    return "ok"


if __name__ == "__main__":
    if sys.argv[1:2] == ["http"]:
        server.run("streamable-http", port=int(sys.argv[2]))
    else:
        server.run("stdio")
