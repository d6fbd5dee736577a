"""The durable values of a run."""

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from procedures.engine.errors import EngineError, OptionError, StateConflictError
from procedures.engine.values import canonical
from procedures.engine.values.options import check_json, check_text, with_options
from procedures.engine.values.secret_values import shows_secret
from procedures.engine.values.spelling import short_repr

ABSENT: Any = object()
LONGEST_SHOWN = 120
"""The largest number of characters of a value that an error message shows."""


class Note(Protocol):
    """A function that records a change of the state as an event.

    `name` and `value` are the name that changed and its new value. `gone` is True for a deletion.
    `by` is the amount of an increment, and `more` is a list of the appended items. `about` is the
    key of a `ctx.gather` whose branches made the change.
    """

    def __call__(self, name: str, value: Any, **how: Any) -> object: ...


@dataclass(frozen=True)
class Change:
    """The combined changes that one branch of a run has made to one name in the state."""

    verb: Literal["set", "delete", "increment", "append"]
    value: Any = None
    """The value that was set, the sum of the increments, or the list of the appended items."""

    @property
    def commutes(self) -> bool:
        """True for increments and appends: those of several branches can be combined."""
        return self.verb in ("increment", "append")

    def with_more(self, other: "Change") -> "Change":
        """Return one change that does what both do; both have the same verb and commute."""
        return Change(self.verb, self.value + other.value)

    def __str__(self) -> str:
        text = canonical.text_of(self.value)
        shown = text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
        words = {"set": f"set to {shown}", "delete": "deleted", "append": f"appended {shown}"}
        return words.get(self.verb, f"incremented by {shown}")


class State(MutableMapping[str, Any]):
    """The durable values of a run by name; each change is recorded as an event.

    Reading a name returns the value that was set, after a conversion to JSON and back: a tuple
    comes back as a list.
    """

    def __init__(self, note: Note) -> None:
        self._note = note
        self._values: dict[str, Any] = {}
        self.changes: dict[str, Change] = {}
        """The combined changes that this branch of the run has made, keyed by the changed name."""

    def copy_into(self, branch: "State") -> None:
        """Copy the current values into the state of a branch."""
        branch.take(self._values)

    def take(self, values: dict[str, Any]) -> None:
        """Add these values without recording a change, because events already contain them."""
        self._values |= values

    @with_options("ctx.state.increment")
    def increment(self, name: str, by: float = 1) -> Any:
        """Add `by` to the number under a name, or to 0 if there is none, and return the sum.

        If branches of a `ctx.gather` increment the same name, each branch sees only its own
        increments; after the gather, the increments of all branches are added. Raises `OptionError`
        if `by` or the stored value isn't a number.
        """
        before = self._values.get(check_name(name), 0)
        for number in (before, by):
            if isinstance(number, bool) or not isinstance(number, int | float):
                raise OptionError(
                    f"by= of ctx.state.increment and the value of {name!r} must each be an int or "
                    f"a float, not {short_repr(number)}."
                )
        try:
            check_json(f"by= of ctx.state.increment({name!r})", before + by)
        except OverflowError:
            words = f"ctx.state.increment can't add {short_repr(by)} to {name!r}"
            raise OptionError(f"{words}: the integer is too large for a float.") from None
        self._grow(name, before + by, Change("increment", by), by=by)
        return self._values[name]

    @with_options("ctx.state.append")
    def append(self, name: str, value: Any) -> None:
        """Append an item to the list under a name, or to [] if there is none.

        If branches of a `ctx.gather` append to the same name, the items are put in the order of the
        branches after the gather. Raises `EngineError` if the stored value isn't a list.
        """
        before = self._values.get(check_name(name), [])
        if not isinstance(before, list):
            words = f"ctx.state.append needs a list, but {name!r} is {short_repr(before)}."
            raise EngineError(words)
        plain = self._checked(name, value)
        self._grow(name, [*before, plain], Change("append", [plain]), more=[plain])

    def merge(self, name: str, change: Change, *, about: str) -> None:
        """Apply the combined change that the branches of a `ctx.gather` made to a name.

        `about` is the key of the gather in the journal.
        """
        before = self._values.get(name)
        match change.verb:
            case "increment":
                grown = (before or 0) + change.value
                self._grow(name, grown, change, by=change.value, about=about)
            case "append":
                grown = [*(before or ()), *change.value]
                self._grow(name, grown, change, more=change.value, about=about)
            case "set":
                self._kept(name, change.value, about=about)
            case "delete":
                self._note(name, None, gone=True, about=about)
                self._values.pop(name, None)
        if not change.commutes:
            self.changes[name] = change

    def __getitem__(self, name: str) -> Any:
        return self._values[check_name(name)]

    def __setitem__(self, name: str, value: Any) -> None:
        plain = self._kept(name, value)
        self.changes[name] = Change("set", plain)

    def _kept(self, name: str, value: Any, **how: Any) -> Any:
        """Record the new value of a name in an event, set the value, and return its JSON."""
        plain = self._checked(name, value)
        self._note(name, plain, **how)
        self._values[name] = frozen(canonical.jsonable(plain))
        return plain

    def _checked(self, name: str, value: Any) -> Any:
        """Return the plain JSON of a value; raises `EngineError` for secrets and invalid names."""
        check_name(name)
        try:
            plain = canonical.jsonable(value)
            text = canonical.text_of(plain)
        except ValueError as error:
            words = f"The value of ctx.state[{name!r}] can't be stored. {error}"
            raise OptionError(words) from None
        if shows_secret(value, text):
            raise EngineError(
                f"ctx.state[{name!r}] contains a secret, which would be stored and shown."
            )
        return plain

    def _grow(self, name: str, value: Any, change: Change, **how: Any) -> None:
        """Set the value after an increment or append; combine the change with earlier changes."""
        plain, earlier = self._kept(name, value, **how), self.changes.get(name)
        if earlier is None:
            self.changes[name] = change
        elif earlier.verb == change.verb:
            self.changes[name] = earlier.with_more(change)
        else:
            self.changes[name] = Change("set", plain)

    def __delitem__(self, name: str) -> None:
        if check_name(name) not in self._values:
            raise KeyError(name)
        self._note(name, None, gone=True)
        self.changes[name] = Change("delete")
        del self._values[name]

    @with_options("ctx.state.setdefault")
    def setdefault(self, name: str, default: Any = None) -> Any:
        if check_name(name) not in self._values:
            self[name] = default
        return self[name]

    @with_options("ctx.state.get")
    def get(self, key: str, default: Any = None) -> Any:
        return super().get(key, default)

    @with_options("ctx.state.pop")
    def pop(self, key: str, default: Any = ABSENT) -> Any:
        return super().pop(key) if default is ABSENT else super().pop(key, default)

    def update(self, other: Any = (), /, **more: Any) -> None:
        """Set several values, given like those of `dict.update`: by a mapping, pairs or keywords.

        Raises `OptionError` for anything else.
        """
        try:
            named = dict(other, **more)
        except (TypeError, ValueError):
            words = f"ctx.state.update takes a mapping of names to values, not {short_repr(other)}."
            raise OptionError(words) from None
        for name, value in named.items():
            self[name] = value

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def check_name(name: object) -> str:
    """Return the name; raises `OptionError` if it can't be a name in the state."""
    checked = check_text("A name in ctx.state", name)
    try:
        checked.encode()
    except UnicodeEncodeError:
        words = "A name in ctx.state can't contain half of a character (a lone surrogate)"
        raise OptionError(f"{words}: {short_repr(checked)}.") from None
    return checked


def join(key: str, branches: Sequence[tuple[str, State]]) -> dict[str, Change]:
    """Return the combined changes that parallel branches made to the state, by the changed name.

    `branches` pairs the path of each branch with its state; items are appended in this order. `key`
    is the key of the `ctx.gather`. Raises `StateConflictError` if two branches set a name to
    different values, or changed the name in different ways: for example, one deleted the name and
    the other one set it.
    """
    joined: dict[str, Change] = {}
    for name in dict.fromkeys(name for _, state in branches for name in state.changes):
        done = {path: state.changes[name] for path, state in branches if name in state.changes}
        first, *others = done.values()
        for other in others:
            if first.verb == other.verb and first.commutes:
                first = first.with_more(other)
            elif canonical.text_of(vars(first)) != canonical.text_of(vars(other)):
                changes = {path: str(change) for path, change in done.items()}
                raise StateConflictError(key, name, changes)
        joined[name] = first
    return joined


def frozen(plain: Any) -> Any:
    """Return a deeply immutable copy of plain data.

    If an author could change the inside of a stored value, no event would record the change.
    """
    if isinstance(plain, dict):
        return FrozenDict({name: frozen(value) for name, value in plain.items()})
    return FrozenList(map(frozen, plain)) if isinstance(plain, list) else plain


def _refuse(*_: Any, **__: Any) -> Any:
    raise TypeError(
        "A value in ctx.state can't be changed in place. Set it again: "
        'ctx.state["names"] = [*ctx.state["names"], "ann"].'
    )


def _with_more(self: list[Any], more: Iterable[Any]) -> list[Any]:
    return [*self, *more]


def _with_others(self: dict[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    return {**self, **others}


def _copied(self: Any, *_: Any) -> Any:
    return canonical.jsonable(self)


def _pickled(self: Any) -> tuple[Any, ...]:
    """Return what `pickle` needs to restore an immutable list or dict as a plain list or dict."""
    plain = _copied(self)
    return type(plain), (plain,)


_refused: Any = _refuse
_extended: Any = _with_more
_updated: Any = _with_others


class FrozenList(list[Any]):
    """An immutable list in the state; `ctx.state[name] += more` stores a new list."""

    append = extend = insert = remove = pop = clear = sort = reverse = _refused
    __setitem__ = __delitem__ = __imul__ = _refused
    __iadd__ = _extended
    __copy__ = __deepcopy__ = _copied
    __reduce__ = _pickled


class FrozenDict(dict[str, Any]):
    """An immutable dict in the state; `ctx.state[name] |= others` stores a new dict."""

    pop = popitem = clear = update = setdefault = _refused
    __setitem__ = __delitem__ = _refused
    __ior__ = _updated
    __copy__ = __deepcopy__ = _copied
    __reduce__ = _pickled
