"""A step: a named unit of work whose result is kept, and how often it is tried."""

import asyncio
import inspect
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property, lru_cache, partial
from types import CoroutineType
from typing import (
    Any,
    Generic,
    Never,
    NoReturn,
    TypedDict,
    TypeVar,
    get_type_hints,
)
from weakref import WeakKeyDictionary

from pydantic import PydanticUserError

from procedures.engine import canonical
from procedures.engine.durations import Duration, parse_duration
from procedures.engine.errors import DefinitionError
from procedures.engine.secrecy import holds_secret

T = TypeVar("T")


@dataclass(frozen=True)
class Retry:
    """Tries a failing step again: at most `attempts` in all, each pause `factor` times the last.

    `backoff` is the first pause, `longest` the greatest; `jitter` makes each up to that share
    longer or shorter, so that many runs do not come back at once. `unless` names errors that are
    not tried again; `within` is how long after the first attempt the last one may begin. Up to a
    second the worker waits in place; a longer pause holds no worker.
    """

    attempts: int = 3
    backoff: Duration = "1s"
    factor: float = 2
    longest: Duration = "1h"
    jitter: float = 0
    unless: tuple[type[BaseException], ...] = ()
    within: Duration | None = None

    def __post_init__(self) -> None:
        if self.attempts < 1 or not self.factor >= 1:
            raise ValueError("A retry needs at least one attempt and a factor of at least 1.")
        if not 0 <= self.jitter <= 1:
            raise ValueError("The jitter of a retry is a share between 0 and 1.")
        for length in (self.backoff, self.longest, self.within):
            if length is not None:
                parse_duration(length)

    def pause_after(self, attempt: int, error: BaseException, spent: timedelta) -> timedelta | None:
        """How long to wait after that failed attempt, counted from 1; None: give up.

        `spent` is the time since the first attempt began.
        """
        if attempt >= self.attempts or isinstance(error, self.unless):
            return None
        pause = self._pause(attempt)
        is_late = self.within is not None and spent + pause > parse_duration(self.within)
        return None if is_late else pause

    def _pause(self, attempt: int) -> timedelta:
        longest = parse_duration(self.longest)
        try:
            pause = min(parse_duration(self.backoff) * self.factor ** (attempt - 1), longest)
        except OverflowError:
            pause = longest
        return pause * (1 + self.jitter * random.uniform(-1, 1))  # noqa: S311 (no secret)


ONCE = Retry(attempts=1)


class Doing(TypedDict, total=False):
    """The options every step takes.

    `name`: the step's own name. `retry`: how often it is tried. `timeout`: how long one attempt
    may take; then it is stopped. `transaction`: its database writes and its checkpoint are
    committed together. `pure`: it may be repeated, so its result may be kept a little later.
    `once`: after a crash in the middle of it operators are asked whether it happened. `strict`:
    on replay other arguments quarantine the run.
    """

    name: str
    retry: Retry | None
    timeout: Duration | None
    transaction: bool
    pure: bool
    once: bool
    strict: bool


@dataclass(frozen=True)
class Options:
    """The same, checked, with what is left out filled in."""

    name: str = ""
    retry: Retry | None = None
    timeout: Duration | None = None
    transaction: bool = False
    pure: bool = False
    once: bool = False
    strict: bool = False

    def __post_init__(self) -> None:
        if self.timeout is not None:
            parse_duration(self.timeout)
        chosen = [name for name in ("transaction", "pure", "once") if getattr(self, name)]
        if len(chosen) > 1:
            raise ValueError(f"A step is one of {', '.join(chosen)}, not all of them.")

    @cached_property
    def seconds(self) -> float | None:
        return None if self.timeout is None else parse_duration(self.timeout).total_seconds()


PLAIN = Options()


def options_of(fn: Callable[..., Any], doing: Doing) -> Options:
    """The same object each time that a line of code gives the same: what is checked stays so."""
    if not doing:
        return PLAIN
    try:
        return _known_options(**doing)
    except TypeError:  # there is no such option, or it has no hash
        check_doing(fn, doing)
        return Options(**doing)


_known_options = lru_cache(maxsize=256, typed=True)(Options)


def check_doing(fn: Callable[..., Any], doing: Doing) -> None:
    """A step passes positional arguments: what else is named must be an option of steps."""
    for name in doing.keys() - Doing.__annotations__.keys():
        raise TypeError(
            f"No step has the option {name!r}, and ctx.step passes positional arguments only: "
            f"for a keyword argument write functools.partial({spoken_name(fn)}, {name}=...)."
        )


@dataclass(frozen=True)
class Bound(Generic[T]):
    """A step with its arguments, not done yet: what `approve` can show and `step` can do."""

    fn: Callable[..., T]
    args: tuple[Any, ...]
    options: Options

    @property
    def name(self) -> str:
        return self.options.name or name_of(self.fn)

    def with_options(self, doing: Doing) -> "Bound[T]":
        """The same step, done otherwise."""
        check_doing(self.fn, doing)
        return replace(self, options=replace(self.options, **doing))

    def as_evidence(self) -> dict[str, Any]:
        """What people are shown: the step, and its arguments by their names."""
        return {"step": self.name, **_arguments(self.fn, self.args)}


@dataclass(frozen=True)
class Step:
    """What a step function gets in its parameter annotated `Step`."""

    name: str
    idempotency_key: str
    """The same in every attempt, also after a crash: lets the outside tell doubles."""
    attempt: int
    """Counted from 1; an attempt that a crash cut off is tried again under its own number."""
    tell: Callable[[str, float | None, float | None], None] = field(
        default=lambda *_: None, repr=False, compare=False
    )
    """Where `progress` goes."""
    speak: Callable[[str], None] = field(default=lambda _: None, repr=False, compare=False)
    """Where `say` goes."""
    asks_to_end: Callable[[], bool] = field(default=lambda: False, repr=False, compare=False)

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody wants the run to end: a long step may then stop early."""
        return self.asks_to_end()

    def say(self, text: str) -> None:
        """Say something in the chat session, at once; said again when the step is tried again."""
        self.speak(text)

    def progress(
        self, text: str = "", done: float | None = None, total: float | None = None
    ) -> None:
        """Tell people how far the step is: a line, with `done` of `total` where that is known.

        Say it as often as you like: what comes faster than it can be read is joined. Without
        words nothing is added, and what was held back is shown if its time has come.
        """
        self.tell(text, done, total)


@dataclass(slots=True)
class Signature:
    """What the signature of a step says."""

    name: str
    """The function's own, where a step can be called by it; else ""."""
    returns: Any
    step_parameter: inspect.Parameter | None = None
    place: int = 0
    """Where that parameter stands."""

    def call(
        self, fn: Callable[..., Any], args: tuple[Any, ...], step: Step | None
    ) -> tuple[Any, Any]:
        """What is kept of the result, and what comes back. `step`: for a function that wants it."""
        parameter = self.step_parameter
        if parameter is None:
            result = fn(*args)
        elif parameter.kind == inspect.Parameter.KEYWORD_ONLY or len(args) < self.place:
            result = fn(*args, **{parameter.name: step})
        else:
            result = fn(*args[: self.place], step, *args[self.place :])
        if isinstance(result, CoroutineType):
            result = asyncio.run(result)
        try:
            return canonical.keepable(result, self.returns)
        except ValueError as error:
            raise ValueError(f"The result {error}.") from None


SIGNATURES: WeakKeyDictionary[Callable[..., Any], Signature] = WeakKeyDictionary()
"""Those read before: a replay asks for them again at each step."""


def signature_of(fn: Callable[..., Any]) -> Signature:
    """How to call it, and the type of what it returns; DefinitionError when it is no step."""
    try:
        known = SIGNATURES.get(fn)
    except TypeError:  # it has no hash, or cannot be referred to weakly
        return _signature_of(fn)
    if known is None:
        known = SIGNATURES[fn] = _signature_of(fn)
    return known


def _signature_of(fn: Callable[..., Any]) -> Signature:
    hints = _hints_of(fn)
    returns = hints.pop("return", Any)
    returns = Any if returns in (Never, NoReturn) else returns
    try:
        canonical.adapter(returns)
    except PydanticUserError as error:
        raise DefinitionError(f"What {fn!r} returns cannot be kept: {error.message}") from None
    if holds_secret(returns):
        raise DefinitionError(f"What {spoken_name(fn)} returns cannot be kept: it holds a secret.")
    own = getattr(fn, "__name__", "")
    name = own if own.isidentifier() else ""
    bound = fn.keywords if isinstance(fn, partial) else {}
    wanted = {of for of, hint in hints.items() if hint is Step} - set(bound)
    parameters = inspect.signature(fn).parameters if wanted else {}
    for place, (of, parameter) in enumerate(parameters.items()):
        if of in wanted:
            return Signature(name, returns, parameter, place)
    return Signature(name, returns)


def name_of(fn: Callable[..., Any]) -> str:
    if not (name := spoken_name(fn)).isidentifier():
        raise ValueError(f"Give this step a name: ctx.step({name}, name=...).")
    return name


def spoken_name(fn: Callable[..., Any]) -> str:
    """What an author calls it; a name only if it is an identifier."""
    if isinstance(fn, partial):
        return spoken_name(fn.func)
    return getattr(fn, "__name__", "") or repr(fn)


def _arguments(fn: Callable[..., Any], args: tuple[Any, ...]) -> dict[str, Any]:
    """The arguments by the names of their parameters, the `Step` among these left out."""
    try:
        parameters = list(inspect.signature(fn).parameters)
    except (TypeError, ValueError):  # a built-in without a signature
        parameters = []
    own = signature_of(fn).step_parameter
    names = [name for name in parameters if own is None or name != own.name]
    names += [f"argument {number}" for number in range(len(names) + 1, len(args) + 1)]
    return {name: canonical.jsonable(arg) for name, arg in zip(names, args, strict=False)}


def _hints_of(fn: Callable[..., Any]) -> dict[str, Any]:
    if inspect.isclass(fn):
        return {"return": fn}
    if isinstance(fn, partial):
        return _hints_of(fn.func)
    try:
        return get_type_hints(fn if inspect.isroutine(fn) else type(fn).__call__)
    except (TypeError, AttributeError):  # a built-in, or a callable without annotations
        return {}
    except NameError as error:
        raise DefinitionError(f"The annotations of {fn!r} cannot be read: {error}.") from None
