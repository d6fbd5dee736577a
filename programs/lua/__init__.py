"""Programs in Lua: a sandbox, the primitives that programs call, and readers of program files."""

from programs.extras import needing

with needing("lua"):
    from programs.lua.plexus import read_plexus
    from programs.lua.tactus import read_tactus

__all__ = ["read_plexus", "read_tactus"]
