"""Runs with many waits: what they cost, and that nothing else about them is another way."""

import random
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from procedures.engine import Context, Limits, procedure
from procedures.testing import (
    Answer,
    AskedWait,
    EndlessError,
    NobodyKnowsError,
    RehearsedRun,
    crash_test,
    everything,
    humans,
    rehearsal,
    run_procedure,
    script,
)
from procedures.testing.people import Manner, People
from procedures.testing.rehearsal import Rehearsal
from procedures.testing.turns import Store
from tests.unit.testing.waits import KINDS, RARE, sleeping_child

pytestmark = pytest.mark.slow

MANY = 100
"""Three times the waits that are each left at first, so most of these are left no more."""
HASTY = 50
PER_WAIT = 12
"""Waits that are gone through for one, replays among them; each is left at first."""
counted = Counter[str]()


def say(asked: AskedWait) -> Any:
    """An answer that fits, after a while that depends on the question."""
    if asked.prompt == "Nobody?":
        return None
    value = {"approval": True, "input": asked.prompt, "signal": 7, "choice": "sea"}[asked.kind]
    return Answer(value, by="ann", after=f"{len(asked.prompt + asked.key) % 5 + 1}m")


class Leaving(Store):
    """Every wait is left and replayed, as workers do it."""

    def linger_of(self, _: Any) -> None:
        return None


def left_everywhere(code: Any, people: People = say, **inputs: Any) -> RehearsedRun:
    return Rehearsal(Leaving()).play(code, inputs, Manner(people))


@procedure
def waiting(ctx: Context, kind: str, times: int) -> list[Any]:
    done = []
    for number in range(times):
        counted["waits"] += 1
        done.append(KINDS[kind](ctx, number))
    return done


@pytest.mark.parametrize("kind", KINDS)
def test_many_waits_are_gone_through_a_few_times_each(kind: str) -> None:
    counted.clear()

    run = run_procedure(waiting, {"kind": kind, "times": 2 * MANY}, humans=say)

    assert (run.status, len(run.result)) == ("succeeded", 2 * MANY)
    assert counted["waits"] < PER_WAIT * 2 * MANY


def test_four_times_the_waits_are_no_more_than_four_times_the_calls_and_a_little() -> None:
    calls_made(10)  # what is made once
    assert calls_made(400) < 5 * calls_made(100)


def test_a_kept_wait_is_so_many_calls_at_each_replay() -> None:
    """Each answer has all waits before it gone through once more: that grows with the square."""
    ten, twenty, thirty = (calls_made(times, left_everywhere) for times in (10, 20, 30))

    assert (thirty - 2 * twenty + ten) / 10**2 <= 215


def stood(code: Any, **inputs: Any) -> RehearsedRun:
    return run_procedure(code, inputs, humans=say)


def calls_made(times: int, play: Callable[..., RehearsedRun] = stood) -> int:
    calls = Counter[str]()
    before = sys.getprofile()
    sys.setprofile(lambda _frame, event, _argument: calls.update([event]))
    try:
        play(waiting, kind="approve", times=times)
    finally:
        sys.setprofile(before)
    return calls["call"] + calls["c_call"]


@procedure
def mixed(ctx: Context, seed: int, times: int) -> list[Any]:
    kinds = {**KINDS, **RARE}
    choice = random.Random(seed)  # noqa: S311 (no secret)
    done = [kinds[choice.choice(list(kinds))](ctx, number) for number in range(times)]
    if ctx.random.random() < 0.5:
        raise ValueError("It fails, and undoes what it did.")
    return done


@pytest.mark.parametrize(
    "seed", [0, 1, pytest.param(2, marks=pytest.mark.soak), pytest.param(3, marks=pytest.mark.soak)]
)
def test_a_journal_is_the_same_event_for_event_as_if_all_waits_were_left(seed: int) -> None:
    inputs: dict[str, Any] = {"seed": seed, "times": 60}

    run = run_procedure(mixed, inputs, humans=say)

    left = left_everywhere(mixed, **inputs)
    assert run.events == left.events
    assert run == left


@procedure
def ending_in_haste(ctx: Context, *, again: bool) -> str:
    """Its last act is stored together with its end."""
    for number in range(HASTY):
        ctx.approve(f"Go on {number}?")
    ctx.step(counted.update, ["pure"], name="count", pure=True)
    child_id = ctx.spawn(sleeping_child, number=2, on_parent_end="abandon").run_id
    ctx.state["child"] = child_id
    if again:
        ctx.continue_as_new(again=False)
    return str(child_id)


@pytest.mark.parametrize("again", [False, True])
def test_what_is_kept_with_the_end_is_done_once(again: bool) -> None:  # noqa: FBT001
    counted.clear()
    run = run_procedure(ending_in_haste, {"again": again}, humans=say)

    assert counted["pure"] == 1 + again
    assert run == left_everywhere(ending_in_haste, again=again)


@procedure
def parents(ctx: Context, times: int) -> list[int]:
    """Children that wait, one after another and several at once, with children of their own."""
    handles = [ctx.spawn(waiting, kind=kind, times=times) for kind in ("call", "ask", "spawn")]
    return [len(handle.wait()) for handle in handles]


def test_families_go_on_in_the_same_order() -> None:
    run = run_procedure(parents, {"times": 40}, humans=say)

    assert run == left_everywhere(parents, times=40)
    assert run.result == [40] * 3


LATE = 62
"""One of the later waits at which the code is left."""


def fickle_prompt(ctx: Context, number: int, life: int) -> None:
    ctx.approve(f"Go on {number}, {life if number == LATE else 'as ever'}?")


def fickle_evidence(ctx: Context, number: int, life: int) -> None:
    ctx.approve("Go on?", evidence={"life": life if number == LATE else 0})


def fickle_name(ctx: Context, number: int, life: int) -> None:
    ctx.approve("Go on?", name=f"wait{life}" if number == LATE else "wait")


def fickle_order(ctx: Context, number: int, life: int) -> None:
    if number == LATE and life % 2:
        ctx.sleep("1s")
    ctx.approve("Go on?")


@pytest.mark.parametrize("wait", [fickle_prompt, fickle_evidence, fickle_name, fickle_order])
@pytest.mark.parametrize("times", [LATE + 1, LATE + 2, MANY])
def test_code_that_would_not_replay_is_held_however_late(wait: Any, times: int) -> None:
    @procedure
    def fickle(ctx: Context) -> str:
        counted["lives"] += 1
        life = counted["lives"]
        for number in range(times):
            wait(ctx, number, life)
        return "done"

    counted.clear()
    run = run_procedure(fickle, humans=say)

    assert run.status == "quarantined"
    assert run.error
    assert run.error["type"] == "Mismatch"


def test_what_swallowed_the_suspension_was_asked_of_nobody() -> None:
    @procedure
    def hungry(ctx: Context) -> str:
        for number in range(MANY):
            ctx.approve(f"Go on {number}?")
        try:
            ctx.approve("Even this?")
        except BaseException:  # noqa: BLE001 (the mistake that is to be found)
            return "done"
        return "asked"

    run = run_procedure(hungry, humans=say)

    assert run.status == "quarantined"
    assert "Even this?" not in run.prompts


def test_the_end_is_that_of_a_replay() -> None:
    """The end is the same for a worker that takes the run up for its last answer."""

    @procedure
    def forgetful(ctx: Context) -> list[int]:
        counted["lives"] += 1
        for _ in range(MANY):
            ctx.approve("Go on?")
        return [counted["lives"]]

    counted.clear()
    run = run_procedure(forgetful, humans=say)

    assert run.result == [counted["lives"]]


def test_what_the_worlds_people_do_not_know_is_no_failure_of_the_code() -> None:
    @procedure
    def careful(ctx: Context) -> str:
        try:
            for number in range(MANY):
                ctx.approve(f"Go on {number}?")
        except Exception:  # noqa: BLE001 (what it would meet)
            return "caught"
        return "done"

    known = {f"Go on {number}?": True for number in range(LATE)}
    with pytest.raises(NobodyKnowsError, match=f"Go on {LATE}"):
        run_procedure(careful, humans=script(known))


def test_what_never_ends_is_told_where_the_code_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "MOST_MOMENTS", MANY)

    @procedure
    def restless(ctx: Context) -> None:
        while True:
            try:
                ctx.sleep("1s")
            except Exception:  # noqa: BLE001 (what it would meet)
                return

    with pytest.raises(EndlessError, match="restless was stopped"):
        run_procedure(restless)


def test_limits_count_what_came_while_the_code_stood() -> None:
    def limited(times: int, **limits: Any) -> Any:
        @procedure(limits=Limits(**limits))
        def bounded(ctx: Context) -> None:
            for number in range(times):
                ctx.step(divmod, number, 3, name="divide")
                ctx.ask("Who?")

        return bounded

    for limits in ({"steps": 50}, {"events": 260}, {"max_duration": "90m"}):
        run = run_procedure(limited(MANY, **limits), humans=say)
        assert run.error
        assert run.error["type"] == "LimitReached"
        assert run == left_everywhere(limited(MANY, **limits))


def test_a_long_run_is_killed_everywhere_and_comes_out_the_same() -> None:
    report = crash_test(waiting, {"kind": "approve", "times": 16}, humans=say, outcome=everything)

    assert report.undisturbed.status == "succeeded"
    assert report.kills == 2 * 17


def test_people_of_a_block_answer_wherever_the_code_stands() -> None:
    with humans(say, by="ben"):
        run = run_procedure(waiting, {"kind": "approve", "times": MANY})

    assert run.result == [True] * MANY
