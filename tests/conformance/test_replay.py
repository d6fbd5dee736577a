"""Replay: the same code comes to the same place, other code is told apart and quarantined."""

from collections.abc import Mapping
from typing import Any

import pytest

from procedures.engine import Context, Procedure, procedure
from procedures.engine.journal.events import EventKind, RunStatus
from tests import procedures
from tests.conformance.backends import Backend, answer
from tests.procedures import act, did, saw


def test_chance_and_time_are_the_same_on_every_replay(backend: Backend) -> None:
    run_id = backend.start(procedures.chance)
    for key in ("approve", "approve#2"):
        backend.advance(run_id)
        answer(backend, run_id, key)

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    first, second, third = saw
    assert second[:-1] == first
    assert third == second
    assert len({*first[1:3], *first[4:6]}) == 4


def test_two_runs_draw_different_numbers(backend: Backend) -> None:
    for run_id in (backend.start(procedures.chance), backend.start(procedures.chance)):
        backend.advance(run_id)

    one, other = saw
    assert one[1] != other[1]
    assert one[2] != other[2]


def test_what_people_see_is_written_once(backend: Backend) -> None:
    run_id = backend.start(procedures.talkative)
    for key in ("approve", "approve#2"):
        backend.advance(run_id)
        answer(backend, run_id, key)

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert backend.result(run_id) == "3"
    soft = {"stage", "state", "log", "notice", "progress"}
    assert [
        (event.kind, event.name, event.content)
        for event in backend.events(run_id)
        if event.kind in soft
    ] == [
        ("stage", "Begin", {"stage": "Begin"}),
        ("progress", "Half.", {"text": "Half.", "done": 1, "total": 2}),
        ("state", "count", {"name": "count", "value": 1}),
        ("log", "Counting.", {"text": "Counting.", "level": "debug"}),
        ("state", "count", {"name": "count", "value": 2}),
        ("notice", "Counted.", {"text": "Counted."}),
        ("state", "count", {"name": "count", "value": 3}),
        ("notice", "Counted.", {"text": "Counted."}),
    ]


def test_no_text_is_too_odd_to_be_kept(backend: Backend) -> None:
    run_id = backend.start(procedures.oddly_spoken)
    assert backend.advance(run_id) == RunStatus.WAITING
    answer(backend, run_id, "approve")

    assert backend.advance(run_id) == RunStatus.FAILED

    assert r"a␀b\ud800ü" in error_of(backend, run_id)["message"]
    assert list(backend.files(run_id).values()) == [b"a\0b"]


@procedure(name="two_questions")
def swapped_questions(ctx: Context) -> list[bool]:
    return [bool(ctx.approve("Send?")), bool(ctx.approve("Pay?"))]


@procedure(name="named_questions")
def swapped_named_questions(ctx: Context) -> list[bool]:
    return [bool(ctx.approve("Send?", name="send")), bool(ctx.approve("Pay?", name="pay"))]


@procedure(name="named_questions")
def named_questions_with_swapped_prompts(ctx: Context) -> list[bool]:
    return [bool(ctx.approve("Send?", name="pay")), bool(ctx.approve("Pay?", name="send"))]


@procedure(name="question")
def question_without_its_step(ctx: Context) -> bool:
    return bool(ctx.approve("Pay 31.20 €?", evidence={"order": 7}))


@procedure(name="question")
def question_after_another_step(ctx: Context) -> bool:
    ctx.step(act, "added", name="added")
    return bool(procedures.question(ctx))


@procedure(name="question")
def question_with_other_evidence(ctx: Context) -> bool:
    ctx.step(act, "before", name="before")
    return bool(ctx.approve("Pay 31.20 €?", evidence={"order": 8}))


@procedure(name="question")
def step_where_the_question_was(ctx: Context) -> str:
    ctx.step(act, "before", name="before")
    return ctx.step(act, "instead", name="approve")


@procedure(name="question")
def question_where_the_step_was(ctx: Context) -> bool:
    return bool(ctx.approve("Pay 31.20 €?", name="before", evidence={"order": 7}))


@procedure(name="question")
def failing_early(ctx: Context) -> None:
    ctx.step(act, "before", name="before")
    raise KeyError("order")


@procedure(name="question")
def ending_early(ctx: Context) -> str:
    return ctx.step(act, "before", name="before")


@procedure(name="question")
def one_more_input(ctx: Context, order: int) -> bool:
    return bool(procedures.question(ctx, order))


@pytest.mark.parametrize(
    ("first", "then", "words"),
    [
        (procedures.two_questions, swapped_questions, "“Pay?”, but the code now asks “Send?”"),
        (procedures.named_questions, swapped_named_questions, "wait send “Send?”, but the journal"),
        (procedures.named_questions, named_questions_with_swapped_prompts, "The wait pay has"),
        (procedures.question, question_without_its_step, "ends, but the journal has step be"),
        (procedures.question, question_after_another_step, "asks for step added, but the journal"),
        (procedures.question, question_with_other_evidence, "The evidence of the wait approve"),
        (
            procedures.question,
            step_where_the_question_was,
            "asks for step approve, but the journal",
        ),
        (procedures.question, question_where_the_step_was, "asks for wait before"),
        (procedures.question, failing_early, "fails with KeyError: 'order', but the journal"),
        (procedures.question, ending_early, "ends, but the journal has wait approve"),
        (procedures.question, one_more_input, "The stored inputs no longer fit"),
    ],
)
def test_code_that_no_longer_fits_is_quarantined(
    backend: Backend, first: Procedure, then: Procedure, words: str
) -> None:
    run_id = backend.start(first)
    backend.advance(run_id)
    answer(backend, run_id, next(iter(backend.open_waits(run_id))))
    effects = list(did)

    assert backend.advance(run_id, then) == RunStatus.QUARANTINED

    assert words in error_of(backend, run_id)["message"]
    assert did == effects
    assert backend.events(run_id)[-1].kind == EventKind.RUN_QUARANTINED
    assert not backend.open_waits(run_id)


def test_a_quarantine_shows_both_lists_side_by_side(backend: Backend) -> None:
    run_id = backend.start(procedures.question)
    backend.advance(run_id)
    answer(backend, run_id, "approve")

    backend.advance(run_id, question_after_another_step)

    error = error_of(backend, run_id)
    assert error["kept"] == ["step before", "wait approve “Pay 31.20 €?”"]
    assert error["asked"] == ["step added"]
    assert "cancel the run" in error["remedy"]


def test_code_that_swallows_its_suspension_is_quarantined(backend: Backend) -> None:
    run_id = backend.start(procedures.swallower)

    assert backend.advance(run_id) == RunStatus.QUARANTINED

    assert (
        "caught the exception that suspends the run at approve"
        in error_of(backend, run_id)["message"]
    )
    assert not backend.open_waits(run_id)


def test_after_a_suspension_every_call_suspends_again(backend: Backend) -> None:
    run_id = backend.start(procedures.stubborn)

    assert backend.advance(run_id) == RunStatus.WAITING

    assert saw == ["Suspend"] * 7
    assert did == []
    assert list(backend.open_waits(run_id)) == ["approve"]


def error_of(backend: Backend, run_id: str) -> Mapping[str, Any]:
    error = backend.error(run_id)
    assert error
    return error


def test_a_stage_knows_what_follows_it_over_replays(backend: Backend) -> None:
    run_id = backend.start(procedures.planning)
    for key in ("approve", "approve#2", "approve#3"):
        backend.advance(run_id)
        answer(backend, run_id, key)
    backend.advance(run_id)

    stages = [one.content for one in backend.events(run_id) if one.kind == EventKind.STAGE]
    assert stages == [
        {"stage": "Check", "then": ["Pay", "Pack", "Send"]},
        {"stage": "Pay", "then": ["Pack", "Send"]},
        {"stage": "Pack", "then": ["Fetch"]},
        {"stage": "Something else", "then": ["Fetch"]},
    ]


@pytest.mark.parametrize("then", ["Pay", [7], ["Pay"] * 51])
def test_stages_that_cannot_be_named_are_refused(backend: Backend, then: Any) -> None:
    run_id = backend.start(procedures.badly_planned, then=then)

    assert backend.advance(run_id) == RunStatus.FAILED
    assert "then= of ctx.stage" in str(backend.error(run_id))
