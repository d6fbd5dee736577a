"""The durable values of a run."""

from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

from procedures.engine import canonical


class State(MutableMapping[str, Any]):
    """Values by name. Each change is noted; what is read is the JSON round trip of what was set."""

    def __init__(self, note: Callable[[str, Any], None]) -> None:
        self._note = note
        self._values: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        return canonical.jsonable(self._values[name])  # a change of it would leave no event

    def __setitem__(self, name: str, value: Any) -> None:
        plain = canonical.jsonable(value)
        self._note(name, plain)
        self._values[name] = canonical.jsonable(plain)

    def __delitem__(self, name: str) -> None:
        if name in self._values:
            self._note(name, None)
        del self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
