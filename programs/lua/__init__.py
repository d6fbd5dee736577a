"""Programs in Lua: a sandbox, the primitives of programs, and readers of their files."""

from programs.extras import needing

with needing("lua"):
    from programs.lua.plexus import read_plexus
    from programs.lua.tactus import read_tactus

__all__ = ["read_plexus", "read_tactus"]
