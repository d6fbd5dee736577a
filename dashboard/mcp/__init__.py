"""The site's MCP server: with it, agents ask people, and act for the person whose token they use.

Each tool makes one or two calls of the API with that token. So the API's rules, limits and errors
hold for tools, too.
"""
