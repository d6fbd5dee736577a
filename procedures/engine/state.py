"""The durable values of a run."""

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any

from procedures.engine import canonical
from procedures.engine.errors import EngineError


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
        return self._values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        if not isinstance(name, str):
            raise EngineError(f"A name in ctx.state is a text, not {name!r}.")
        plain = canonical.jsonable(value)
        if canonical.MASKED in canonical.text_of(plain):
            raise EngineError(f"What stands in ctx.state is kept and shown: {name} holds a secret.")
        self._note(name, plain)
        self._changed.add(name)
        self._values[name] = frozen(canonical.jsonable(plain))

    def __delitem__(self, name: str) -> None:
        if name in self._values:
            self._note(name, None)
            self._changed.add(name)
        del self._values[name]

    def setdefault(self, name: str, default: Any = None) -> Any:
        if name not in self._values:
            self[name] = default
        return self[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def frozen(plain: Any) -> Any:
    """The same to read, and equal; to change it within would leave no event, and is an error."""
    if isinstance(plain, dict):
        return FrozenDict({name: frozen(value) for name, value in plain.items()})
    return FrozenList(map(frozen, plain)) if isinstance(plain, list) else plain


def _refuse(*_: Any, **__: Any) -> Any:
    raise TypeError(
        "What stands in ctx.state is changed by setting it anew: "
        'ctx.state["names"] = [*ctx.state["names"], "ann"].'
    )


def _with_more(self: list[Any], more: Iterable[Any]) -> list[Any]:
    return [*self, *more]


def _with_others(self: dict[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    return {**self, **others}


def _copied(self: Any, *_: Any) -> Any:
    return canonical.jsonable(self)


def _pickled(self: Any) -> tuple[Any, ...]:
    """As the plain list or dict that it says."""
    plain = _copied(self)
    return type(plain), (plain,)


_refused: Any = _refuse
_extended: Any = _with_more
_updated: Any = _with_others


class FrozenList(list[Any]):
    """A list within the state; `+=` on its name sets it anew."""

    append = extend = insert = remove = pop = clear = sort = reverse = _refused
    __setitem__ = __delitem__ = __imul__ = _refused
    __iadd__ = _extended
    __copy__ = __deepcopy__ = _copied
    __reduce__ = _pickled


class FrozenDict(dict[str, Any]):
    """Named values within the state; `|=` on its name sets it anew."""

    pop = popitem = clear = update = setdefault = _refused
    __setitem__ = __delitem__ = _refused
    __ior__ = _updated
    __copy__ = __deepcopy__ = _copied
    __reduce__ = _pickled
