"""Runs carried to their end in memory, as authors test them."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel

from procedures.engine import Context, File, Retry, procedure
from procedures.testing import (
    Answer,
    AskedWait,
    EndlessError,
    GivenFile,
    NobodyKnowsError,
    approve_all,
    humans,
    rehearsal,
    reject_all,
    run_procedure,
    script,
    silent,
    turns,
)
from tests.procedures import families


def add(one: int, two: int) -> int:
    return one + two


def fail() -> None:
    raise ConnectionError("The bank does not answer.")


def write(text: str) -> File:
    return File.keep("list.txt", text)


@procedure
def purchase(ctx: Context, amount: Decimal) -> Decimal:
    pieces = ctx.ask("How many?", int, name="pieces").value
    how = ctx.choose("How?", {"sea": "By ship", "air": "By air"}).value
    if not ctx.approve(f"Buy {pieces} by {how}?", expires="2h", default=False):
        return Decimal(0)
    note = ctx.review("Fine?", "Dear all").value
    ctx.notify(f"Bought: {note}")
    return amount * ctx.step(add, pieces, 0)


@procedure
def asking_twice(ctx: Context) -> list[str]:
    handles = [ctx.later.approve("Ann?", name="ann"), ctx.later.approve("Ben?", name="ben")]
    return [handle.wait().responder for handle in handles]


@procedure
def signalled(ctx: Context) -> str:
    paid = ctx.signal("paid", Decimal, expires="3 days", default=None).wait()
    return f"{paid.value} by {paid.sender}" if not paid.timed_out else "never"


@procedure
def patient(ctx: Context) -> str:
    ctx.sleep("30 days")
    return ctx.now().date().isoformat()


@procedure
def trying(ctx: Context) -> None:
    ctx.step(fail, retry=Retry(3, backoff="1h"))


@procedure
def copying(ctx: Context, orders: File) -> File:
    return ctx.step(write, orders.text().upper())


@procedure
def restless(ctx: Context) -> None:
    while True:
        ctx.sleep("1s")


@procedure
def rotating(ctx: Context) -> None:
    ctx.continue_as_new()


@procedure
def doubled(ctx: Context, numbers: list[int]) -> list[int]:
    return ctx.map(one_doubled, [{"number": number} for number in numbers], at_most=2)


@procedure
def one_doubled(ctx: Context, number: int) -> int:
    return number * 2 if ctx.approve(f"Double {number}?") else 0


BUYERS = {
    "pieces": 3,
    "choice": "By air",
    "Buy 3 *": Answer(True, by="ann", comment="Fine.", after="20m"),  # noqa: FBT003 (a value)
    "review": "Dear Ann",
}


def test_people_answer_by_name_kind_and_prompt() -> None:
    run = run_procedure(purchase, {"amount": "2.50"}, humans=script(BUYERS))

    assert (run.status, run.result, run.error) == ("succeeded", Decimal("7.50"), None)
    assert run.prompts == ["How many?", "How?", "Buy 3 by air?", "Fine?"]
    assert run.notices == ["Bought: Dear Ann"]
    assert run.steps == ["add"]
    assert run.took == timedelta(minutes=20)
    assert run.journal[0] == "run.started"


def test_what_is_not_in_the_script_is_named() -> None:
    sentence = r"The script has no answer to 'How\?' \(choice, 'choose'\)"
    with pytest.raises(NobodyKnowsError, match=sentence):
        run_procedure(purchase, {"amount": 1}, humans=script({"pieces": 3}))


def test_an_answer_that_is_none_is_refused_as_in_the_form() -> None:
    run = run_procedure(purchase, {"amount": 1}, humans=script({"pieces": "three"}))

    [refusal] = run.refused
    assert (refusal.asked.key, run.status) == ("pieces", "waiting")
    assert "whole number" in refusal.message


def test_a_script_may_look_at_what_is_asked() -> None:
    def named(asked: AskedWait) -> Answer:
        return Answer(True, by=asked.key)  # noqa: FBT003 (a value)

    assert run_procedure(asking_twice, humans=script({"approval": named})).result == ["ann", "ben"]


class Size(BaseModel):
    grams: int
    price: Decimal = Decimal("2.50")


@procedure
def parcel(ctx: Context) -> list[Any]:
    size = ctx.form("How big?", Size).value
    extras = ctx.choose("What else?", {"fast": "Fast", "safe": "Insured"}, many=True).value
    sum_ = ctx.ask("How much?", Decimal).value
    return [size.grams, str(size.price), extras, str(sum_), ctx.escalate("It is lost.").value]


def test_values_are_taken_as_from_the_form() -> None:
    people = {
        "form": Size(grams=5),
        "What else?": ["fast", "Insured"],
        "input": Decimal("0.10"),
        "escalation": "Found again.",
    }
    run = run_procedure(parcel, humans=script(people))
    assert run.result == [5, "2.50", ["fast", "safe"], "0.10", "Found again."]

    run = run_procedure(parcel, humans=script(people | {"form": {"grams": 7}}))
    assert run.result[:2] == [7, "2.50"]


def test_a_prompt_may_hold_what_a_pattern_would_read_otherwise() -> None:
    @procedure
    def bracketed(ctx: Context) -> bool:
        return bool(ctx.approve("Pay [A-7]?"))

    assert run_procedure(bracketed, humans=script({"Pay [A-7]?": True})).result


def test_silence_lets_time_pass_up_to_what_the_author_declared() -> None:
    quiet = script(BUYERS | {"Buy 3 *": None})
    run = run_procedure(purchase, {"amount": 1}, humans=quiet)
    assert (run.result, run.took) == (Decimal(0), timedelta(hours=2))


def test_silence_without_a_deadline_leaves_a_run_waiting() -> None:
    run = run_procedure(asking_twice, humans=silent)
    assert (run.status, run.result, len(run.asked)) == ("waiting", None, 2)


def test_an_answer_after_the_deadline_is_too_late() -> None:
    late = script(BUYERS | {"Buy 3 *": Answer(True, after="2h")})  # noqa: FBT003 (a value)
    assert run_procedure(purchase, {"amount": 1}, humans=late).result == Decimal(0)


def test_people_of_a_block_answer_after_their_time() -> None:
    with humans(approve_all, after="3 days", by="ann"):
        run = run_procedure(asking_twice)
        assert (run.result, run.took) == (["ann", "ann"], timedelta(days=3))
        with humans(reject_all):
            assert run_procedure(doubled, {"numbers": [1]}).result == [0]
    assert run_procedure(asking_twice).status == "waiting"


def test_yes_and_no_are_no_answers_to_other_questions() -> None:
    with pytest.raises(NobodyKnowsError, match="approve_all has no answer"):
        run_procedure(purchase, {"amount": 1}, humans=approve_all)


def test_signals_come_as_answers_do() -> None:
    paying = script({"paid": Answer(Decimal(31), by="bank", after="1 day")})
    assert run_procedure(signalled, humans=paying).result == "31 by bank"
    assert run_procedure(signalled, humans=silent).result == "never"


@procedure
def paid_twice(ctx: Context, first: str = "") -> str:
    paid = ctx.signal("paid", str).wait()
    if not first:
        ctx.continue_as_new(first=paid.value)
    return f"{first}, {paid.value}"


def test_a_signal_may_be_waited_for_again_after_beginning_anew() -> None:
    assert run_procedure(paid_twice, humans=script({"paid": "31"})).result == "31, 31"


def test_children_are_found_wherever_they_are_known() -> None:
    @procedure
    def within(ctx: Context) -> Any:
        return ctx.call(families.mapping, numbers=[2])

    @procedure
    def above(ctx: Context) -> Any:
        return ctx.call(within)

    assert run_procedure(above, humans=approve_all).result == [4]


def test_days_pass_at_once() -> None:
    run = run_procedure(patient)
    assert (run.result, run.took) == ("2026-02-04", timedelta(days=30))


def test_a_failure_is_told_after_its_retries() -> None:
    run = run_procedure(trying)
    assert run.status == "failed"
    assert run.error
    assert run.error["type"] == "StepFailedError"
    assert run.journal.count("step.failed fail") == 3
    assert run.took == timedelta(hours=2)


def test_files_are_given_and_made() -> None:
    run = run_procedure(copying, {"orders": GivenFile("orders.csv", "a,b")})
    assert run.files == {"list.txt": b"A,B"}
    assert run.result.name == "list.txt"


def test_children_are_carried_on_and_ask_the_same_people() -> None:
    run = run_procedure(doubled, {"numbers": [1, 2, 3]}, humans=approve_all)
    assert run.result == [2, 4, 6]
    assert run.prompts == ["Double 1?", "Double 2?", "Double 3?"]


def test_what_never_ends_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "MOST_MOMENTS", 50)
    monkeypatch.setattr(turns, "MOST_CLAIMS", 50)
    for endless in (restless, rotating):
        with pytest.raises(EndlessError, match=f"{endless.name} was stopped: it had more than"):
            run_procedure(endless)


def test_two_rehearsals_are_alike() -> None:
    assert run_procedure(patient) == run_procedure(patient)


@procedure
def reviewed_data(ctx: Context) -> list[Any]:
    said = ctx.review("Right?", {"total": 7}, decisions={"send": "Send", "redo": "Write it anew"})
    return [said.decision, said.value, bool(said)]


@pytest.mark.parametrize(
    ("said", "result"),
    [
        (True, ["send", {"total": 7}, True]),
        (False, ["redo", {"total": 7}, False]),
        ("redo", ["redo", {"total": 7}, False]),
        ("Write it anew", ["redo", {"total": 7}, False]),
        ({"total": 8}, ["send", {"total": 8}, True]),
        ({"decision": "redo", "text": {"total": 9}}, ["redo", {"total": 9}, False]),
    ],
)
def test_a_review_is_answered_by_its_decisions_or_by_edited_data(
    said: Any, result: list[Any]
) -> None:
    with humans(script({"Right?": said})):
        assert run_procedure(reviewed_data).result == result


def test_an_edited_draft_that_is_no_data_is_refused_and_the_wait_stays_open() -> None:
    with humans(script({"Right?": "{"})):
        run = run_procedure(reviewed_data)

    [refusal] = run.refused
    assert refusal.message.startswith("The edited draft isn't valid JSON")
    assert run.status == "waiting"
