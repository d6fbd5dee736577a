"""A step: a named unit of work whose result is kept, and how often it is tried."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Never, NoReturn, get_type_hints

from pydantic import PydanticUserError

from procedures.engine import canonical
from procedures.engine.durations import Duration, parse_duration
from procedures.engine.errors import DefinitionError


@dataclass(frozen=True)
class Retry:
    """Tries a failing step again: at most `attempts` in all, each pause `factor` times the last.

    `backoff` is the first pause, `longest` the greatest. Up to a second the worker waits in
    place; a longer pause holds no worker.
    """

    attempts: int = 3
    backoff: Duration = "1s"
    factor: float = 2
    longest: Duration = "1h"

    def __post_init__(self) -> None:
        if self.attempts < 1 or not self.factor >= 1:
            raise ValueError("A retry needs at least one attempt and a factor of at least 1.")
        parse_duration(self.backoff), parse_duration(self.longest)

    def pause_after(self, attempt: int) -> timedelta | None:
        """How long to wait after that failed attempt, counted from 1; None: give up."""
        if attempt >= self.attempts:
            return None
        longest = parse_duration(self.longest)
        try:
            return min(parse_duration(self.backoff) * self.factor ** (attempt - 1), longest)
        except OverflowError:
            return longest


ONCE = Retry(attempts=1)


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

    def progress(
        self, text: str = "", done: float | None = None, total: float | None = None
    ) -> None:
        """Tell people how far the step is: a line, with `done` of `total` where that is known.

        Say it as often as you like: what comes faster than it can be read is joined. Without
        words nothing is added, and what was held back is shown if its time has come.
        """
        self.tell(text, done, total)


@dataclass(frozen=True)
class StepFunction:
    """A function to be run as a step, and what its signature says."""

    fn: Callable[..., Any]
    step_parameter: inspect.Parameter | None
    place: int
    """Where that parameter stands."""
    returns: Any

    def __call__(self, step: Step, args: tuple[Any, ...]) -> Any:
        """What is kept of the result, as plain JSON."""
        result = self._call(step, args)
        try:
            return canonical.keepable(result, self.returns)
        except ValueError as error:
            raise ValueError(f"The result {error}.") from None

    def _call(self, step: Step, args: tuple[Any, ...]) -> Any:
        if self.step_parameter is None:
            return self.fn(*args)
        is_named = self.step_parameter.kind == inspect.Parameter.KEYWORD_ONLY
        if is_named or len(args) < self.place:
            return self.fn(*args, **{self.step_parameter.name: step})
        return self.fn(*args[: self.place], step, *args[self.place :])


def step_function(fn: Callable[..., Any]) -> StepFunction:
    """How to call it, and the type of what it returns; DefinitionError when it is no step."""
    if inspect.iscoroutinefunction(fn):
        raise DefinitionError(f"A step is a plain function, no coroutine: {fn!r}.")
    hints = _hints_of(fn)
    returns = hints.pop("return", Any)
    returns = Any if returns in (Never, NoReturn) else returns
    try:
        canonical.adapter(returns)
    except PydanticUserError as error:
        raise DefinitionError(f"What {fn!r} returns cannot be kept: {error.message}") from None
    bound = fn.keywords if isinstance(fn, partial) else {}
    wanted = {name for name, hint in hints.items() if hint is Step} - set(bound)
    parameters = inspect.signature(fn).parameters if wanted else {}
    for place, (name, parameter) in enumerate(parameters.items()):
        if name in wanted:
            return StepFunction(fn, parameter, place, returns)
    return StepFunction(fn, None, 0, returns)


def name_of(fn: Callable[..., Any]) -> str:
    name = name_of(fn.func) if isinstance(fn, partial) else getattr(fn, "__name__", "")
    if not name.isidentifier():
        raise ValueError(f"Give this step a name: ctx.step({name or fn!r}, name=...).")
    return name


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
