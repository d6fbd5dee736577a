"""Types that say themselves what becomes of names which they do not ask for."""

from typing import Any

from pydantic import TypeAdapter

OWN_WAYS = ("allow", "ignore")


def says_of_extra(types: TypeAdapter[Any]) -> bool:
    """Whether a model in it takes or drops other names because its author says so."""
    return _says(types.core_schema)


def _says(core: Any) -> bool:
    if isinstance(core, dict):
        own = core.get("extra_fields_behavior", core.get("extra_behavior"))
        return own in OWN_WAYS or any(map(_says, core.values()))
    return any(map(_says, core)) if isinstance(core, (list, tuple)) else False
