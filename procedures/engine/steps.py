"""A step: a named unit of work whose result is kept, and how often it is tried."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any, get_type_hints

from procedures.engine.durations import Duration, parse_duration


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
        if self.attempts < 1 or self.factor < 1:
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


@dataclass(frozen=True)
class StepFunction:
    """A function to be run as a step, and what its signature says."""

    fn: Callable[..., Any]
    step_parameter: str | None
    returns: Any

    def __call__(self, step: Step, args: tuple[Any, ...]) -> Any:
        handle = {self.step_parameter: step} if self.step_parameter else {}
        return self.fn(*args, **handle)


@lru_cache(maxsize=1024)
def step_function(fn: Callable[..., Any]) -> StepFunction:
    hints = _hints_of(fn)
    returns = hints.pop("return", Any)
    wanted = next((name for name, hint in hints.items() if hint is Step), None)
    return StepFunction(fn, wanted, returns)


def name_of(fn: Callable[..., Any]) -> str:
    name = getattr(fn, "__name__", "")
    if not name.isidentifier():
        raise ValueError(f"Give this step a name: ctx.step({name or fn!r}, name=...).")
    return name


def _hints_of(fn: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(fn if inspect.isroutine(fn) else type(fn).__call__)
    except (TypeError, AttributeError):  # a built-in, or a callable without annotations
        return {}
