"""Whatever a verb is given, it takes it, or refuses it at the call in words of the engine."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from procedures import testing
from procedures.engine import (
    BranchFailedError,
    Context,
    EngineError,
    InputError,
    Limits,
    Retry,
    Step,
    procedure,
)
from procedures.engine.errors import AnswerError, EvidenceError, OptionError
from procedures.engine.journal.events import RunStatus
from procedures.testing.memory import MemoryStore
from tests.unit.engine.odd_values import VALUES, Verb, verbs
from tests.unit.engine.running import message

Call = Callable[[Any], None]
TAKEN = (BranchFailedError, testing.ProcedureWaitingForHuman)
"""The errors of a call that accepted its value."""
NAMES_IT = (InputError, EvidenceError, AnswerError)
"""The errors that name an input or an argument, and not the parameter of a verb."""
NOT_THERE = ("ctx.state.", "runs.status")
"""The calls for which an unknown name is a KeyError, as for every mapping."""
ALSO_CALLED = {
    "yes": ("label",),
    "no": ("label",),
    "options": ("option",),
    "message": ("prompt",),
    "key": ("name",),
    "other": ("ctx.state",),
    "more": ("ctx.state[",),
    "fn": ("returns", "result type", "name="),
    "pending_message_id": ("message",),
}
"""Other names by which a refusal may call a parameter."""


def in_a_run(call: Call) -> None:
    @procedure
    def trying(ctx: Context, order: str = "A") -> None:
        call(ctx)

    advance(trying)


def in_a_step(call: Call) -> None:
    def work(step: Step) -> None:
        call(step)

    @procedure
    def trying(ctx: Context) -> None:
        ctx.step(work)

    advance(trying)


def in_a_driver(call: Call) -> None:
    call(testing.LocalExecutionContext("run-0", "session-1", testing.LocalRuns()))


PLACES: dict[str, Callable[[Call], None]] = {
    "ctx": in_a_run,
    "step": in_a_step,
    "local": in_a_driver,
    "nothing": lambda call: call(None),
}


def advance(definition: Any) -> None:
    store = MemoryStore()
    run_id = store.start(definition, {})
    status = store.advance(run_id)
    run = store.runs[run_id]
    assert status not in (RunStatus.FAILED, RunStatus.QUARANTINED), message(run)


def is_right(verb: Verb, parameter: str, error: Exception) -> bool:
    """Return True if a call may raise this error: the engine's words name what is wrong."""
    if isinstance(error, TAKEN):
        return True
    if isinstance(error, KeyError):
        return verb.name.startswith(NOT_THERE)
    called = (parameter, verb.name.rpartition(".")[2], *ALSO_CALLED.get(parameter, ()))
    is_named = isinstance(error, NAMES_IT) or any(name in str(error) for name in called)
    return isinstance(error, EngineError) and is_named


VERBS = verbs()
NAMED = [verb for verb in VERBS if verb.options and "__" not in verb.name]
CASES = [
    pytest.param(verb, name, id=f"{verb.name}({name})")
    for verb in VERBS
    for name in verb.parameters
]


@pytest.mark.parametrize(("verb", "parameter"), CASES)
def test_what_a_verb_cannot_take_is_refused_in_words_at_the_call(
    verb: Verb, parameter: str
) -> None:
    left, wrong = dict(VALUES), dict[str, str]()

    def call(on: Any) -> None:
        """One value after another, until one lets the code wait."""
        while left:
            name = next(iter(left))
            value = left.pop(name)
            try:
                verb.call_with(on, parameter, value())
            except Exception as error:  # noqa: BLE001 (which one is what the test asks)
                wrong.update({} if is_right(verb, parameter, error) else {name: repr(error)})
            if verb.where == "local":  # a driver that has left its code does nothing more
                return

    while left:
        PLACES[verb.where](call)
    assert not wrong


@pytest.mark.parametrize(
    "verb", [one for one in VERBS if one.options and "__" not in one.name], ids=lambda one: one.name
)
def test_an_unknown_option_is_refused_with_the_nearest_right_one(verb: Verb) -> None:
    def call(on: Any) -> None:
        for option in verb.options - {"id", "fn"}:
            wrong = f"{option[:-1]}{option[-1]}{option[-1]}"
            with pytest.raises(EngineError) as refused:
                verb.call(on, **{wrong: 1})
            assert f"Did you mean '{option}'" in str(refused.value), str(refused.value)

    PLACES[verb.where](call)


def test_a_call_that_lacks_an_argument_or_has_one_too_many_says_so() -> None:
    needing = [
        verb
        for verb in VERBS
        if any(is_needed(one) for one in verb.parameters.values()) and "__" not in verb.name
    ]
    assert len(needing) > 30

    for verb in needing:

        def call(on: Any, verb: Verb = verb) -> None:
            with pytest.raises(EngineError, match=r"missing|too many"):
                verb.of(on)()

        PLACES[verb.where](call)


def is_needed(one: inspect.Parameter) -> bool:
    return one.kind == one.POSITIONAL_OR_KEYWORD and one.default is one.empty


@pytest.mark.parametrize("make", [Retry, Limits])
def test_too_many_values_without_names_are_refused(make: Any) -> None:
    with pytest.raises(OptionError, match="too many"):
        make(*[1] * 20)
