"""Messages to a run: read once, at a step boundary, whatever happens to its worker."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from procedures.engine import Context, procedure
from procedures.engine.journal.events import EventKind, RunStatus
from tests import procedures
from tests.conformance.backends import Backend, answer, result_of
from tests.procedures import did, interludes, saw


def test_messages_are_read_once_in_order_between_steps(backend: Backend) -> None:
    run_id = begun(backend, procedures.listening)
    backend.write(run_id, "Use the other account.")
    backend.write(run_id, "And hurry.")
    answer(backend, run_id, "approve")
    backend.advance(run_id)
    backend.write(run_id, "Thanks.")
    answer(backend, run_id, "approve#2")

    backend.advance(run_id)

    first, second = ["bob: Use the other account.", "bob: And hurry."], ["bob: Thanks."]
    assert result_of(backend, run_id) == [first, second]
    assert did == [f"do 0 after {first}", f"do 1 after {second}"]


def test_a_worker_that_dies_after_reading_leaves_the_messages_to_the_next(
    backend: Backend,
) -> None:
    run_id = begun(backend, procedures.dying_listener)
    backend.write(run_id, "Slowly.")

    answer(backend, run_id, "approve")
    die_in_step(backend, run_id)
    backend.write(run_id, "Later.")
    backend.lose_lease(run_id)
    backend.advance(run_id)

    assert result_of(backend, run_id) == [["Slowly."], ["Later."]]


def test_a_reading_that_found_nothing_stays_empty(backend: Backend) -> None:
    """A value that a step has used must not change, though only its reading is recorded."""
    run_id = begun(backend, procedures.dying_listener)

    answer(backend, run_id, "approve")
    die_in_step(backend, run_id)
    backend.write(run_id, "Too late.")
    backend.lose_lease(run_id)
    backend.advance(run_id)

    assert result_of(backend, run_id) == [[], ["Too late."]]


def test_a_call_in_changed_code_reads_nothing_where_the_run_has_passed(backend: Backend) -> None:
    run_id = begun(backend, procedures.listening)
    backend.write(run_id, "Early.")
    answer(backend, run_id, "approve")
    backend.advance(run_id)
    backend.write(run_id, "Late.")
    answer(backend, run_id, "approve#2")

    assert backend.advance(run_id, more_attentive) == RunStatus.SUCCEEDED
    assert result_of(backend, run_id) == [[], ["Early."], ["Late."]]


def test_a_call_that_is_gone_from_changed_code_quarantines(backend: Backend) -> None:
    """The code has acted on what it read, or on that there was nothing."""
    run_id = begun(backend, procedures.listening)
    answer(backend, run_id, "approve")
    backend.advance(run_id)
    answer(backend, run_id, "approve#2")

    assert backend.advance(run_id, inattentive) == RunStatus.QUARANTINED
    assert "seen approve:seen:inbox" in str(backend.error(run_id))


def test_a_conversation_waits_for_each_message(backend: Backend) -> None:
    run_id = begun(backend, procedures.conversing)
    assert list(backend.open_waits(run_id)) == ["converse"]

    for text in ("Paint it", "Green"):
        backend.write(run_id, text)
        assert backend.advance(run_id) == RunStatus.WAITING
    backend.travel(timedelta(hours=1))
    backend.advance(run_id)

    assert result_of(backend, run_id) == ["bob: Paint it", "bob: Green"]
    assert did == ["Paint it", "Green"]
    assert saw == [
        {
            "text": "",
            "sender": "system: deadline",
            "at": None,
            "id": "",
            "timed_out": True,
            "files": (),
        }
    ]
    assert notices(backend, run_id) == [f"You said {n} things. What next?" for n in range(3)]


def test_a_message_that_came_before_a_conversation_is_its_first(backend: Backend) -> None:
    run_id = backend.start(procedures.conversing_strictly, options={})
    backend.write(run_id, "The red one")

    backend.advance_all()

    assert backend.result(run_id) == '"The red one"'


@pytest.mark.parametrize(
    ("options", "status", "result"),
    [
        ({"expires": "1h"}, RunStatus.SUCCEEDED, ""),
        ({"expires": "1h", "default": "none"}, RunStatus.SUCCEEDED, "none"),
        ({"expires": "1h", "on_timeout": "fail"}, RunStatus.FAILED, None),
    ],
)
def test_silence_counts_as_declared(
    backend: Backend, options: dict[str, Any], status: RunStatus, result: str | None
) -> None:
    run_id = begun(backend, procedures.conversing_strictly, options=options)

    backend.travel(timedelta(hours=1))

    assert backend.advance(run_id) == status
    assert result_of(backend, run_id) == result


def test_a_conversation_in_a_branch_blocks_only_that_branch(backend: Backend) -> None:
    run_id = begun(backend, procedures.conversing_in_branches)
    answer(backend, run_id, "gather/asks/approve")
    backend.write(run_id, "Green")

    backend.advance(run_id)

    assert result_of(backend, run_id) == ["bob: Green", "bob"]


def test_a_child_has_an_inbox_of_its_own(backend: Backend) -> None:
    run_id = begun(backend, procedures.conversing_below)
    backend.advance_all()
    [child] = backend.children(run_id)
    backend.write(run_id, "To the parent")
    backend.write(child, "To the child")

    backend.advance_all()

    assert backend.result(run_id) == '"To the child"'


def test_words_of_a_conversation_that_changed_get_no_earlier_answer(backend: Backend) -> None:
    run_id = begun(backend, procedures.conversing_strictly, options={})
    backend.write(run_id, "The red one")

    assert backend.advance(run_id, asks_otherwise) == RunStatus.QUARANTINED
    assert "Which not?" in str(backend.error(run_id))

    backend.override(run_id)
    assert backend.advance(run_id, asks_otherwise) == RunStatus.WAITING
    assert notices(backend, run_id) == ["Which?", "Which not?"]
    backend.write(run_id, "The blue one")
    backend.advance(run_id, asks_otherwise)
    assert result_of(backend, run_id) == "The blue one"


def test_a_fork_at_a_conversation_posts_its_text_for_its_own_readers(backend: Backend) -> None:
    run_id = begun(backend, procedures.conversing_strictly, options={})

    fork = backend.fork(run_id, "converse")
    backend.advance(fork)

    carried, own = notices(backend, fork)
    assert carried == own == "Which?"
    backend.write(fork, "The red one")
    backend.advance(fork)
    assert result_of(backend, fork) == "The red one"
    assert notices(backend, run_id) == ["Which?"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"expires": "soon"}, "expires= of ctx.converse"),
        ({"default": "none"}, "needs expires= too"),
        ({"expires": "1h", "default": "x" * 300_000}, "The default of ctx.converse"),
    ],
    ids=["duration", "default alone", "size"],
)
def test_a_conversation_that_is_refused_posts_nothing(
    backend: Backend, options: dict[str, Any], words: str
) -> None:
    run_id = begun(backend, procedures.conversing_strictly, options=options)

    assert words in str(backend.error(run_id))
    assert notices(backend, run_id) == []


def test_a_procedure_that_does_not_listen_can_not_read(backend: Backend) -> None:
    run_id = backend.start(procedures.deaf)

    assert backend.advance(run_id) == RunStatus.FAILED
    assert "ctx.inbox needs @procedure(listens=True)" in str(backend.error(run_id))


def test_a_fork_reads_what_its_original_had_read(backend: Backend) -> None:
    run_id = begun(backend, procedures.listening)
    backend.write(run_id, "Slowly.")
    answer(backend, run_id, "approve")
    backend.advance(run_id)
    backend.write(run_id, "To the original.")

    fork = backend.fork(run_id, "approve#2")
    backend.advance(fork)
    answer(backend, fork, "approve#2")
    backend.advance(fork)

    assert result_of(backend, fork) == [["bob: Slowly."], []]


@pytest.mark.parametrize("pure", [False, True])
def test_a_step_at_work_reads_what_steers_it(backend: Backend, pure: bool) -> None:  # noqa: FBT001
    run_id = backend.start(procedures.steered, pure=pure)
    backend.write(run_id, "For afterwards.")
    writes = [("Left!", True), ("Right!", True), ("Thanks.", False)]
    interludes.extend(partial(backend.write, run_id, text, steers=it) for text, it in writes)

    backend.advance(run_id)

    heard = ["0: Left!", "1: Right!"]
    assert result_of(backend, run_id) == [heard, ["For afterwards.", "Thanks."]]


def test_an_attempt_that_fails_leaves_its_messages_to_the_next(backend: Backend) -> None:
    run_id = backend.start(procedures.steered)
    interludes.extend([partial(backend.write, run_id, "Left!", steers=True), fail])

    backend.advance(run_id)

    assert result_of(backend, run_id) == [["0: Left!"], []]


def test_what_a_step_does_not_read_is_left_to_the_inbox(backend: Backend) -> None:
    run_id = backend.start(procedures.steered_too_late)
    interludes.append(partial(backend.write, run_id, "Now!", steers=True))

    backend.advance(run_id)

    assert result_of(backend, run_id) == ["Now!"]


def fail() -> None:
    raise ValueError("Not yet.")


def begun(backend: Backend, code: Any, **inputs: Any) -> str:
    run_id = backend.start(code, **inputs)
    backend.advance(run_id)
    return run_id


def die_in_step(backend: Backend, run_id: str) -> None:
    def die() -> None:
        raise KeyboardInterrupt

    interludes.append(die)
    with pytest.raises(KeyboardInterrupt):
        backend.advance(run_id)


def notices(backend: Backend, run_id: str) -> list[str]:
    events = backend.events(run_id)
    return [one.content["text"] for one in events if one.kind == EventKind.NOTICE]


@procedure(name="listening", listens=True)
def more_attentive(ctx: Context, steps: int = 2) -> list[list[str]]:
    read = [ctx.inbox()]
    for number in range(steps):
        ctx.approve(f"Go on {number}?")
        read.append(ctx.inbox())
        ctx.step(procedures.act, "more", name=f"do {number}")
    return [[one.text for one in found] for found in read]


@procedure(name="listening", listens=True)
def inattentive(ctx: Context, steps: int = 2) -> None:
    for number in range(steps):
        ctx.approve(f"Go on {number}?")
        ctx.step(procedures.act, f"do {number} after []", name=f"do {number}")


@procedure(name="conversing_strictly", listens=True)
def asks_otherwise(ctx: Context, options: dict[str, Any]) -> str:
    return ctx.converse("Which not?").text
