"""What groups may do with the runs of a procedure, as its declaration names them."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal
from unicodedata import normalize

from procedures.engine.canonical import legible
from procedures.engine.errors import DefinitionError
from procedures.engine.visible import visible_line

Role = Literal["see", "start", "answer", "operate", "cancel"]
ROLES: tuple[Role, ...] = ("see", "start", "answer", "operate", "cancel")
LONGEST_GROUP = 150
"""Characters of a group's name, as Django keeps it."""
BEGINNINGS = ("@", "perm:", "role:", "group:", "user:", "system:")
"""What a target of `assign=` or a line of the journal may begin with: no group's name does."""


def granted_roles(
    procedure: str, roles: Mapping[Role, str | Iterable[str]]
) -> dict[Role, tuple[str, ...]]:
    """The groups of each role; `DefinitionError` for what is no role or no group's name."""
    if unknown := set(roles) - set(ROLES):
        raise DefinitionError(f"{procedure}: no such role: {', '.join(sorted(map(str, unknown)))}.")
    named = {role: _groups(procedure, groups) for role, groups in roles.items()}
    for groups in named.values():
        for group in groups:
            if fault := _fault_of(group):
                raise DefinitionError(f"{procedure}: {group!r:.100} is no group's name: {fault}.")
    return named


def _groups(procedure: str, given: Any) -> tuple[Any, ...]:
    if isinstance(given, str):
        return (given,)
    if not isinstance(given, Iterable):
        raise DefinitionError(f"{procedure}: roles name groups, not {given!r:.100}.")
    return tuple(given)


def _fault_of(group: Any) -> str:
    """Why that can't be the name of a group; "" where it can."""
    if not isinstance(group, str) or not group.strip():
        return "a name is a text"
    if len(group) > LONGEST_GROUP:
        return f"the longest one has {LONGEST_GROUP} characters"
    if legible(group) != group:
        return "it holds half a character or NUL"
    if visible_line(group) != group:
        return "it holds a character that nobody sees"
    if normalize("NFKC", group).strip().casefold().startswith(BEGINNINGS):
        return f"requests are assigned in words that begin like that ({', '.join(BEGINNINGS)})"
    return ""
