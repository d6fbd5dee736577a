"""Types that decide themselves about unknown names."""

from typing import Any

from pydantic import TypeAdapter

OWN_WAYS = ("allow", "ignore")


def says_of_extra(types: TypeAdapter[Any]) -> bool:
    """Return True if a model in the type allows or ignores unknown names explicitly."""
    return _says(types.core_schema)


def _says(core: Any) -> bool:
    if isinstance(core, dict):
        own = core.get("extra_fields_behavior", core.get("extra_behavior"))
        return own in OWN_WAYS or any(map(_says, core.values()))
    return any(map(_says, core)) if isinstance(core, (list, tuple)) else False
