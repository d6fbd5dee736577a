"""The durable values of a run."""

from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

from procedures.engine import canonical


class State(MutableMapping[str, Any]):
    """Values by name. Each change is noted; what is read is the JSON round trip of what was set."""

    def __init__(self, note: Callable[[str, Any], None]) -> None:
        self._note = note
        self._values: dict[str, Any] = {}
        self._changed: set[str] = set()

    def copy_into(self, branch: "State") -> None:
        """Give a branch the values as they are."""
        branch.take(self._values)

    def take(self, values: dict[str, Any]) -> None:
        """Hold these without noting a change: events tell of them already."""
        self._values |= values

    def merge_into(self, other: "State") -> None:
        """Hand what has changed here on; the events here tell of it."""
        kept = {name: self._values[name] for name in self._changed if name in self._values}
        other.adopt(kept, gone=self._changed - set(kept))

    def adopt(self, values: dict[str, Any], *, gone: set[str]) -> None:
        """Take a branch's changes as changes of our own."""
        self._changed |= set(values) | gone
        self._values |= values
        for name in gone:
            self._values.pop(name, None)

    def __getitem__(self, name: str) -> Any:
        return canonical.jsonable(self._values[name])  # a change of it would leave no event

    def __setitem__(self, name: str, value: Any) -> None:
        plain = canonical.jsonable(value)
        self._note(name, plain)
        self._changed.add(name)
        self._values[name] = canonical.jsonable(plain)

    def __delitem__(self, name: str) -> None:
        if name in self._values:
            self._note(name, None)
            self._changed.add(name)
        del self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
