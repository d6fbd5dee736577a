"""Steps for graphs that have no classes of their own: functions, questions, timers, signals."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from procedures.engine import DefinitionError, Duration
from programs.graphs.contexts import GraphContext
from programs.graphs.expressions import Expression


@dataclass(frozen=True, eq=False)
class Work:
    """A step that calls a function, and stores its result in the data under the step's name.

    The function gets the context or, with `given`, the values of these expressions as arguments.
    """

    name: str
    fn: Callable[..., Any]
    given: Mapping[str, Expression] | None = None
    description: str = ""

    def execute(self, context: GraphContext) -> Any:
        if self.given is None:
            return self.fn(context) if takes_one(self.fn) else self.fn()
        return self.fn(**{name: one.value(context.data) for name, one in self.given.items()})


@dataclass(frozen=True, eq=False)
class Ask:
    """A question to people; the answer is stored in the data under the step's name.

    Without a form, people approve or reject. `title` and `description` may contain names of values,
    as in "Refund {amount} €?". The values that `show` names are shown as evidence.
    """

    title: str
    description: str = ""
    form_schema: Mapping[str, Any] | None = None
    assignee_key: str | None = None
    show: Sequence[str] = ()
    step_type: str = "human"
    into: bool = True
    """True to store the answer under the step's name; False to store each field under its own."""
    name: str = ""
    """The name of a step in a group; other steps don't need one. The classes below have it, too."""


@dataclass(frozen=True, eq=False)
class Wait:
    """A wait for a length of time."""

    duration: Duration | Callable[[GraphContext], timedelta]
    title: str = ""
    description: str = ""
    step_type: str = "timer"
    name: str = ""


@dataclass(frozen=True, eq=False)
class Signal:
    """A wait for the signal with the step's name; its value is stored under the same name."""

    title: str = ""
    description: str = ""
    step_type: str = "webhook"
    reason: str = ""
    """A phrase that tells people what the run is waiting for."""
    name: str = ""


@dataclass(frozen=True, eq=False)
class Gateway:
    """A place where paths part; with `first`, only the first edge whose condition holds counts."""

    first: bool = False
    title: str = ""
    description: str = ""
    step_type: str = "gateway"
    name: str = ""

    def execute(self, context: GraphContext) -> None:
        """Leave the choice to the conditions of the edges."""


@dataclass(frozen=True, eq=False)
class Chain:
    """Steps one after another; each gets the result of the one before as `_previous_result`."""

    steps: Sequence[Any]
    name: str = ""


@dataclass(frozen=True, eq=False)
class Parallel:
    """Steps side by side; the callback gets the list of their results."""

    steps: Sequence[Any]
    callback: Any = None
    name: str = ""


def takes_one(fn: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):
        return True
    return any(one.kind is not one.KEYWORD_ONLY for one in parameters)


def as_step(name: str, step: Any) -> Any:
    """Return the step; a plain function becomes a step that calls it."""
    if inspect.isroutine(step):
        if step.__name__ == "<lambda>":
            raise DefinitionError(f"The step {name!r} is a lambda. Define it with def.")
        return Work(name, step, description=inspect.getdoc(step) or "")
    return step
