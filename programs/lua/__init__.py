"""Programs in Lua: a sandbox, the primitives of programs, and readers of their files."""
