"""Steps for authors of graphs who write no classes: functions, questions, timers and signals."""

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
    """A step that calls a function and stores the result in the data, under the step's name.

    The function gets the context. With `given`, it gets the values of these expressions as named
    arguments instead.
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
    """A question to people, whose answer is stored under the step's name in the data.

    Without a form, people approve or reject. `title` and `description` may contain names of values,
    as in "Refund {amount} €?". `show` names the values that are the evidence of the question.
    """

    title: str
    description: str = ""
    form_schema: Mapping[str, Any] | None = None
    assignee_key: str | None = None
    show: Sequence[str] = ()
    step_type: str = "human"
    into: bool = True
    """True to store the answer under the step's name, False to store each field by its own name."""
    name: str = ""
    """The name of this step within a group. A step that isn't in a group needs no `name`."""


@dataclass(frozen=True, eq=False)
class Wait:
    """A wait for a duration, or for as long as a function of the context says."""

    duration: Duration | Callable[[GraphContext], timedelta]
    title: str = ""
    description: str = ""
    step_type: str = "timer"
    name: str = ""


@dataclass(frozen=True, eq=False)
class Signal:
    """A wait for the signal with the step's name.

    The signal's value is stored under this name in the data.
    """

    title: str = ""
    description: str = ""
    step_type: str = "webhook"
    reason: str = ""
    """A phrase that tells people what the run is waiting for."""
    name: str = ""


@dataclass(frozen=True, eq=False)
class Gateway:
    """A step at which a path splits into several: one for each edge whose condition holds.

    With `first=True`, only the first of these edges is taken.
    """

    first: bool = False
    title: str = ""
    description: str = ""
    step_type: str = "gateway"
    name: str = ""

    def execute(self, context: GraphContext) -> None:
        """Do nothing: the conditions of the edges choose the next steps."""


@dataclass(frozen=True, eq=False)
class Chain:
    """Steps that run one after another.

    Each gets the previous step's result as `_previous_result`.
    """

    steps: Sequence[Any]
    name: str = ""


@dataclass(frozen=True, eq=False)
class Parallel:
    """Steps that run side by side.

    Once all have ended, `callback` runs and gets the list of their results.
    """

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
    """Return the step. If it is a plain function, return a `Work` that calls the function."""
    if inspect.isroutine(step):
        if step.__name__ == "<lambda>":
            raise DefinitionError(f"The step {name!r} is a lambda. Define it with def.")
        return Work(name, step, description=inspect.getdoc(step) or "")
    return step
