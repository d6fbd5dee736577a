"""A rehearsal refuses what a form refuses, and limits end a run that waits."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from procedures.engine import Context, Limits, procedure
from procedures.testing import Answer, approve_all, run_procedure, script, silent


@procedure(limits=Limits(max_duration="2 days"))
def short_lived(ctx: Context, first: str = "") -> str:
    if first:
        ctx.sleep(first)
    return "yes" if ctx.approve("Go on?") else "no"


def test_a_run_that_waits_ends_when_it_has_lasted_enough() -> None:
    run = run_procedure(short_lived, humans=silent)

    assert (run.status, run.took) == ("failed", timedelta(days=2))
    assert run.error
    assert run.error["type"] == "LimitReached"


@pytest.mark.parametrize("first", ["", "47h", "3 days"])
def test_an_answer_counts_until_then(first: str) -> None:
    run = run_procedure(short_lived, {"first": first}, humans=approve_all)

    assert run.status == ("failed" if first == "3 days" else "succeeded")


def test_the_sites_own_limit_ends_no_test() -> None:
    @procedure
    def patient(ctx: Context) -> bool:
        return bool(ctx.approve("Go on?"))

    assert run_procedure(patient, humans=silent).status == "waiting"


@procedure
def several_questions(ctx: Context) -> list[Any]:
    ctx.later.ask("How many?", int, name="many", expires="1h", default=7)
    amount = ctx.later.ask("How much?", int, name="much", expires="2h", default=8)
    how = ctx.choose("How?", {"sea": "By ship"}, expires="3h", default="sea")
    return [amount.wait().value, how.value]


def test_what_does_not_fit_is_refused_and_silence_counts() -> None:
    people = script({"many": "a lot", "much": Answer(2.5, by="ann"), "How?": "By camel"})

    run = run_procedure(several_questions, humans=people)

    assert run.result == [8, "sea"]
    assert [one.asked.prompt for one in run.refused] == ["How many?", "How much?", "How?"]
    assert all(one.message for one in run.refused)


def test_a_signal_that_does_not_fit_is_refused() -> None:
    @procedure
    def paid(ctx: Context) -> int:
        return ctx.signal("paid", int, expires="1h", default=3).wait().value

    run = run_procedure(paid, humans=script({"paid": "much"}))

    assert run.result == 3
    assert [one.asked.kind for one in run.refused] == ["signal"]


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (lambda ctx: ctx.sleep_until(datetime(9999, 12, 31, tzinfo=UTC)), "ten years from now"),
        (lambda ctx: ctx.sleep_until(datetime.max.replace(tzinfo=UTC)), "ten years from now"),
        (lambda ctx: ctx.sleep_until(datetime(2027, 1, 1)), "its time zone"),  # noqa: DTZ001
        (lambda ctx: ctx.sleep_until("2027-01-01"), "its time zone"),
        (lambda ctx: ctx.sleep(10**400), "ten years"),
        (lambda ctx: ctx.sleep(float("inf")), "ten years"),
        (lambda ctx: ctx.sleep(float("nan")), "Invalid duration"),
        (lambda ctx: ctx.timer("9" * 400 + " days"), "ten years"),
        (lambda ctx: ctx.timer(timedelta.max), "ten years"),
        (lambda ctx: ctx.ask("Which?", expires="1e9 days", default="a"), "Invalid duration"),
        (lambda ctx: ctx.ask("Which?", expires=1e300, default="a"), "ten years"),
        (lambda ctx: ctx.signal("a", expires=1e300), "ten years"),
        (lambda ctx: ctx.signal("a", expires="1h", on_timeout="withdraw"), "'fail'"),
        (lambda ctx: ctx.signal("a", expires="1h", on_timeout="fial"), "'fail'"),
        (lambda ctx: ctx.signal("a", bogus=1), "bogus"),
        (lambda ctx: ctx.gather(on_failure="colect"), "'collect'"),
        (lambda ctx: ctx.map(several_questions, [], on_failure="colect"), "'collect'"),
    ],
)
def test_what_cannot_be_meant_is_told_in_words_at_the_call(wait: Any, words: str) -> None:
    @procedure
    def waits(ctx: Context) -> None:
        wait(ctx)

    run = run_procedure(waits, humans=silent)

    assert run.error
    assert run.error["type"] != "OverflowError"
    assert words in run.error["message"]
    assert not run.asked
