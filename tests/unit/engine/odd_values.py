"""Every verb that authors call, found by looking, and values that hardly any of them can take."""

import inspect
import typing
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import count
from typing import Any

from pydantic import BaseModel

from procedures import testing
from procedures.engine import (
    Check,
    Context,
    File,
    Handle,
    Limits,
    Retry,
    SiteChoice,
    Step,
    procedure,
)
from procedures.engine.declaration.steps import StepOptions
from procedures.engine.kinds.request_options import RequestOptions
from procedures.engine.values.state import State
from procedures.engine.waits.later import Later
from procedures.testing.turns import Store

NOTHING: Any = object()


class Odd:
    """An object that has no JSON."""


class Size(BaseModel):
    grams: int = 1


VALUES: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "5": lambda: 5,
    "-1": lambda: -1,
    "True": lambda: True,
    "[5]": lambda: [5],
    "[]": list,
    "{}": dict,
    "empty text": lambda: "",
    "blank": lambda: " ",
    "half a character": lambda: "\ud800",
    "NUL": lambda: "a\0",
    "a text": lambda: "zzz",
    "a long text": lambda: "z" * 3_000,
    "bytes": lambda: b"x",
    "object": Odd,
    "class": lambda: Odd,
    "lambda": lambda: lambda: None,
    "nan": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "huge": lambda: 10**400,
    "odd keys": lambda: {1: 2, None: 3, (4,): 5},
    "keys alike": lambda: {1: 2, "1": 3},
    "half keys": lambda: {"\ud800": 1},
    "odd inside": lambda: {"a": Odd()},
    "set": lambda: {5, "a"},
    "generator": lambda: (one for one in [1, 2]),
    "tuple": lambda: (int, str),
    "naive": lambda: datetime(2026, 1, 5),  # noqa: DTZ001
    "too late": lambda: datetime.max.replace(tzinfo=UTC),
    "too long": lambda: timedelta.max,
    "no number": lambda: Decimal("NaN"),
    "deep": lambda: _deep(2_000),
    "itself": lambda: _itself(),  # noqa: PLW0108 (it is defined below)
}


def _deep(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


def _itself() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


def act(order: str = "A") -> str:
    return order


@procedure
def child(ctx: Context, number: int = 0) -> int:
    return number


def branch(ctx: Context) -> int:
    return 1


@dataclass(frozen=True)
class Verb:
    """A function that an author can call, its place, and its parameters."""

    name: str
    """The call as an author writes it: `ctx.later.approve`."""
    of: Callable[[Any], Callable[..., Any]]
    """The call itself, by what it is called on."""
    where: str
    """The object it is called on: ctx, step, local or nothing."""
    parameters: Mapping[str, inspect.Parameter]

    def call(self, on: Any, **given: Any) -> Any:
        """Call it with these values, and with right ones for whatever else it needs."""
        args: list[Any] = []
        named = self._beside(given)
        for name, one in self.parameters.items():
            if name in given:
                value = given.pop(name)
            elif one.default is not one.empty or one.kind == one.VAR_KEYWORD:
                continue
            else:
                value = right_of(self.name, name)(on)
            if one.kind == one.VAR_POSITIONAL:
                args += value
            elif one.kind == one.VAR_KEYWORD:
                named |= value
            elif self._is_by_place(one):
                args.append(value)
            else:
                named[name] = value
        return self.of(on)(*args, **named, **given)

    def _beside(self, given: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in given:
            found |= BESIDE.get(name, {}) if BESIDE.get(name, {}).keys() <= self.options else {}
        return found

    @property
    def options(self) -> set[str]:
        """The names by which it takes values, and no others."""
        kinds = {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
        every = self.parameters.values()
        if any(one.kind == one.VAR_KEYWORD for one in every):
            kinds.remove(inspect.Parameter.POSITIONAL_OR_KEYWORD)
        return {one.name for one in every if one.kind in kinds}

    def _is_by_place(self, one: inspect.Parameter) -> bool:
        kinds = [other.kind for other in self.parameters.values()]
        is_before_more = one.VAR_POSITIONAL in kinds and one.kind == one.POSITIONAL_OR_KEYWORD
        return one.kind == one.POSITIONAL_ONLY or is_before_more

    def call_with(self, on: Any, name: str, value: Any) -> Any:
        """Call it with that value in the place of one parameter."""
        kind = self.parameters[name].kind
        if kind == inspect.Parameter.VAR_POSITIONAL:
            value = [value]
        elif kind == inspect.Parameter.VAR_KEYWORD:
            value = {NAME_OF_ANY.get(self.name, "number"): value}
        return self.call(on, **{name: value})


NAME_OF_ANY = {"ctx.continue_as_new": "order"}
"""The value that gets a name of its own where any name is taken; else the input of a child."""
NUMBERS = count(1)
RIGHT: dict[str, Callable[[Any], Any]] = {
    "fn": lambda _: act,
    "kind": lambda _: "escalation",
    "prompt": lambda _: "Go?",
    "options": lambda _: ["a", "b"],
    "draft": lambda _: "A draft",
    "model": lambda _: Size,
    "text": lambda _: "a",
    "n": lambda _: 1,
    "handles": lambda ctx: [ctx.timer(1)],
    "length": lambda _: "1s",
    "moment": lambda ctx: ctx.now(),
    "name": lambda _: "named",
    "procedure": lambda _: child,
    "inputs": lambda _: [{}],
    "run": lambda ctx: ctx.spawn(child),
    "signal": lambda _: "paid",
    "request_type": lambda _: "input",
    "message": lambda _: "What?",
    "reason": lambda _: "No need",
    "value": lambda _: 1,
    "content": lambda _: b"a",
    "look": lambda _: act,
    "setting": lambda _: "REPOSITORIES",
    "answers": lambda _: {"*": True},
    "people": lambda _: testing.silent,
    "key": lambda _: "named",
    "by": lambda _: 1,
    "procedure_id": lambda _: f"run-{next(NUMBERS)}",
    "session_id": lambda _: "session-1",
    "pending_message_id": lambda _: "run-1:input",
    "seconds": lambda _: 1,
    "branch": lambda _: [branch],
    "args": lambda _: [],
    "other": lambda _: {"a": 1},
    "kwds": lambda _: {},
}
"""A value that every verb takes, by the parameter's name."""


def pending_message(local: Any) -> str:
    """The id of a question that the driver's run waits for, whoever asked it."""
    for one in local.runs.pending():
        return str(one.id)
    with suppress(testing.ProcedureWaitingForHuman):
        local.wait_for_human("input", "What?")
    return pending_message(local)


OF_ONE: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("ctx.as_finished", "handles"): lambda ctx: [ctx.timer(1)],
    ("procedure", "fn"): lambda _: branch,
    ("handle.cancel", "reason"): lambda _: "No need",
    ("testing.run_procedure", "inputs"): lambda _: {},
    ("runs.respond", "pending_message_id"): pending_message,
    ("runs.respond", "value"): lambda _: "An answer",
    ("runs.status", "procedure_id"): lambda local: local.procedure_id,
}
"""The same where a verb takes something else."""


def right_of(verb: str, name: str) -> Callable[[Any], Any]:
    """A value that the verb takes there; a new parameter needs an entry above."""
    return OF_ONE.get((verb, name)) or RIGHT[name]


BESIDE: dict[str, dict[str, Any]] = {
    "default": {"expires": "1h"},
    "on_timeout": {"expires": "1h"},
    "expires": {"default": None},
    "total": {"done": 1},
}
"""The options that an option needs beside it."""


OPTIONS: dict[str, Any] = {
    "ctx.step": StepOptions,
    "ctx.bind": StepOptions,
    "ctx.compensate": StepOptions,
    "ctx.request": RequestOptions,
    "ctx.later.request": RequestOptions,
}
"""The verbs that take their options among other names."""
INTERNAL = {
    "ctx.state": {"copy_into", "take", "merge"},
    "handle": {"is_of"},
    "ctx.later": {"again"},
    "File": {"store", "read", "text"},
    "testing": {"everything", "approve_all", "reject_all", "silent"},
    "runs": {"take_up", "message_of", *dir(Store)} - {"travel"},
}
"""The names that the engine and the testing kit call themselves."""
MADE = (
    testing.AskedWait,
    testing.CrashReport,
    testing.PendingMessage,
    testing.RefusedAnswer,
    testing.RehearsedRun,
)
"""The objects that only the kit makes."""
MAPPING = ("__getitem__", "__setitem__", "__delitem__", "__contains__")


def parameters_of(name: str, fn: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The parameters of a verb, with each of its options in the place of `**options`."""
    signature = inspect.signature(fn.__init__ if inspect.isclass(fn) else fn)
    hints = typing.get_type_hints(fn, include_extras=True) if inspect.isroutine(fn) else {}
    found = {}
    for one in signature.parameters.values():
        if one.name == "self":
            continue
        options = OPTIONS.get(name)
        hint = hints.get(one.name)
        if one.kind == one.VAR_KEYWORD and typing.get_origin(hint) is typing.Unpack:
            (options,) = typing.get_args(hint)
        if one.kind == one.VAR_KEYWORD and options:
            for option in typing.get_type_hints(options):
                keyword = inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, default=None)
                found[option] = keyword
        else:
            found[one.name] = one
    return found


def _methods(prefix: str, cls: type, where: str, of: Callable[[Any], Any]) -> Iterator[Verb]:
    for name, member in inspect.getmembers(cls):
        is_verb = inspect.isroutine(member) and (not name.startswith("_") or name in MAPPING)
        if not is_verb or name in INTERNAL.get(prefix, ()):
            continue
        if name in MAPPING and not issubclass(cls, Mapping):
            continue
        full = f"{prefix}.{name}"
        yield Verb(
            full,
            partial(_found, of, name),
            where,
            parameters_of(full, member),
        )


def _found(of: Callable[[Any], Any], name: str, on: Any) -> Any:
    return getattr(of(on), name)


def _made(prefix: str, fn: Any) -> Verb:
    name = f"{prefix}{fn.__name__}"
    return Verb(name, lambda _: fn, "nothing", parameters_of(name, fn))


def verbs() -> list[Verb]:
    """All of them: who adds one adds it here without knowing."""
    found = [
        *_methods("ctx", Context, "ctx", lambda ctx: ctx),
        *_methods("ctx.later", Later, "ctx", lambda ctx: ctx.later),
        *_methods("ctx.state", State, "ctx", lambda ctx: ctx.state),
        *_methods("handle", Handle, "ctx", lambda ctx: ctx.timer(1)),
        *_methods("step", Step, "step", lambda step: step),
        *_methods("File", File, "step", lambda _: File),
        *_methods("local", testing.LocalExecutionContext, "local", lambda local: local),
        *_methods("runs", testing.LocalRuns, "local", lambda local: local.runs),
        *(_made("", fn) for fn in (Retry, Limits, Check, SiteChoice, procedure)),
    ]
    for name in testing.__all__:
        it = getattr(testing, name)
        is_error = inspect.isclass(it) and issubclass(it, BaseException)
        is_verb = inspect.isroutine(it) or (inspect.isclass(it) and not is_error)
        if is_verb and it not in MADE and name not in INTERNAL["testing"]:
            found.append(_made("testing.", it))
    return found
