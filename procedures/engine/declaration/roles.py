"""The roles that a procedure's declaration gives to groups."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal
from unicodedata import normalize

from procedures.engine.errors import DefinitionError
from procedures.engine.values.canonical import legible
from procedures.engine.values.spelling import meant, short_repr
from procedures.engine.values.visible import visible_line

Role = Literal["see", "start", "answer", "operate", "cancel"]
ROLES: tuple[Role, ...] = ("see", "start", "answer", "operate", "cancel")
LONGEST_ASSIGNEE = 150
"""The longest name of a user or group that Django stores, in characters."""
BEGINNINGS = ("@", "perm:", "role:", "group:", "user:", "system:")
"""Prefixes with a meaning in `assign=` or in the journal; names of groups and users have none."""


def granted_roles(
    procedure: str, roles: Mapping[Role, str | Iterable[str]]
) -> dict[Role, tuple[str, ...]]:
    """Return the groups of each role; raises `DefinitionError` for unknown roles and bad names."""
    mapping: Any = roles
    if not isinstance(mapping, Mapping):
        words = f"roles= must map roles to groups, not {short_repr(mapping)}."
        raise DefinitionError(f"{procedure}: {words}")
    unknown: list[Any] = [one for one in mapping if one not in ROLES]
    if unknown:
        near = "".join(meant(one, ROLES) for one in unknown if isinstance(one, str))
        listed = ", ".join(sorted(map(short_repr, unknown)))
        known = f" The roles are {', '.join(ROLES)}."
        raise DefinitionError(f"{procedure}: unknown roles in roles=: {listed}.{near or known}")
    named = {role: _groups(procedure, groups) for role, groups in roles.items()}
    for groups in named.values():
        for group in groups:
            if fault := _fault_of(group):
                words = f"Invalid group name {short_repr(group)} in roles=: {fault}."
                raise DefinitionError(f"{procedure}: {words}")
    return named


def beginning_of_target(name: str) -> str:
    """Return the reserved prefix that a name begins with, or "" if there is none."""
    # Normalize, because a name in full-width letters or capitals looks the same to a reader.
    plain = normalize("NFKC", name).strip().casefold()
    return next((one for one in BEGINNINGS if plain.startswith(one)), "")


def _groups(procedure: str, groups: Any) -> tuple[Any, ...]:
    if isinstance(groups, str):
        return (groups,)
    if not isinstance(groups, Iterable) or isinstance(groups, Mapping):
        raise DefinitionError(f"{procedure}: roles= must name groups, not {short_repr(groups)}.")
    return tuple(groups)


def _fault_of(group: Any) -> str:
    """Return the reason why a value can't be a group's name, or "" if it can."""
    if not isinstance(group, str) or not group.strip():
        return "it must be a string that isn't empty"
    if len(group) > LONGEST_ASSIGNEE:
        return f"it can have at most {LONGEST_ASSIGNEE} characters"
    if legible(group) != group:
        return "it contains a NUL character or a lone surrogate"
    if visible_line(group) != group:
        return "it contains an invisible character"
    if beginning_of_target(group):
        return f"names can't begin with {', '.join(BEGINNINGS)}, which are reserved"
    return ""
