"""The site's MCP server: agents elsewhere ask people, and people's own agents work for them.

Each tool is one or two calls of the API with the caller's token, so its rules, limits and errors
are those of the API.
"""
