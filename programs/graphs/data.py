"""The values of a path through a graph, and the merging of the values of several paths."""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from procedures.engine import PublicError
from procedures.engine.values import canonical
from programs.changes import is_same

ABSENT: Any = object()
"""A mark in place of the value of a name that was removed."""
LONGEST_SHOWN = 80


class DataConflictError(PublicError):
    """Parallel paths gave the same name different values before the paths met."""

    def __init__(self, name: str, where: str, values: Mapping[str, Any]) -> None:
        self.name = name
        listed = [f"{by} {_shown(value)}" for by, value in values.items()]
        super().__init__(
            f"Parallel steps changed {name!r} in different ways before {where}: "
            f"{', '.join(listed)}. Let each of them use a name of its own."
        )


def _shown(value: Any) -> str:
    if value is ABSENT:
        return "removed it"
    text = canonical.text_of(value)
    return f"set {text if len(text) <= LONGEST_SHOWN else f'{text[:LONGEST_SHOWN]}…'}"


@dataclass(frozen=True)
class WrittenValue:
    """A value, with the number of the write that set it and the step that wrote it.

    `replaced` are the numbers of all earlier writes that this write has replaced.
    """

    value: Any
    write: int
    by: str
    replaced: frozenset[int] = frozenset()


@dataclass
class Data:
    """The values of one path through a graph, keyed by name."""

    held: dict[str, WrittenValue] = field(default_factory=dict)
    writes: "count[int]" = field(default_factory=count)
    """The counter that numbers the writes; all paths of a run use the same counter."""

    def plain(self) -> dict[str, Any]:
        """Return a deep copy of the values. A step may change the copy."""
        held = self.held.items()
        return {name: deepcopy(one.value) for name, one in held if one.value is not ABSENT}

    def update(self, values: Mapping[str, Any], *, by: str, removed: Iterable[str] = ()) -> None:
        """Set these values and remove the names in `removed`.

        `by` describes the step that does so.
        """
        for name, value in (*values.items(), *((name, ABSENT) for name in removed)):
            before = self.held.get(name)
            replaced = before.replaced | {before.write} if before else frozenset[int]()
            self.held[name] = WrittenValue(value, next(self.writes), by, replaced)

    def split(self) -> "Data":
        """Return a copy of the data, for another path that starts where this path is now."""
        return Data(dict(self.held), self.writes)

    def forget_replaced(self) -> None:
        """Forget the numbers of replaced writes.

        This may only be called if no other path can contain one of these writes.
        """
        for name, one in self.held.items():
            if one.replaced:
                self.held[name] = WrittenValue(one.value, one.write, one.by)


def merge_paths(paths: Sequence[Data], *, where: str) -> Data:
    """Return the merged data of paths that meet at the node `where`.

    Raises `DataConflictError` if two of these paths have given the same name different values since
    the paths forked.
    """
    if len(paths) == 1:
        return paths[0]
    names = dict.fromkeys(name for one in paths for name in one.held)
    held = {name: _newest(name, where, paths) for name in names}
    return Data(held, paths[0].writes)


def _newest(name: str, where: str, paths: Sequence[Data]) -> WrittenValue:
    found = {one.held[name].write: one.held[name] for one in paths if name in one.held}
    replaced = frozenset[int]().union(*(one.replaced for one in found.values()))
    newest = [one for write, one in sorted(found.items()) if write not in replaced]
    first, *others = newest
    if any(not _is_same(first.value, one.value) for one in others):
        raise DataConflictError(name, where, {one.by: one.value for one in newest})
    writes = frozenset(one.write for one in others)
    return WrittenValue(first.value, first.write, first.by, replaced | writes)


def _is_same(one: Any, other: Any) -> bool:
    if one is ABSENT or other is ABSENT:
        return one is other
    return is_same(one, other)
