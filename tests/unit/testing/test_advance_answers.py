"""Answers of a test's people that count for later questions, too."""

from decimal import Decimal
from typing import Any

import pytest

from procedures.engine import Context, Like, OptionError, procedure
from procedures.testing import Answer, RehearsedRun, humans, run_procedure, script

AMOUNTS = ["31", "12", "31"]


@procedure
def refund_one(
    ctx: Context, amount: Decimal, customer: str = "ben", reason: str = "", undo: str = ""
) -> list[Any]:
    held: dict[str, Any] = {"undo": undo} if undo else {}
    said = ctx.approve(
        f"Refund {amount} €?",
        evidence={"customer": customer, "amount": amount, "reason": reason},
        repeatable=Like(fields=["customer"], at_most={"amount": 100}),
        **held,
    )
    return [said.value, said.responder, said.comment]


@procedure
def refund_several(
    ctx: Context, amounts: list[Decimal], more: dict[str, Any], pause: str = ""
) -> list[Any]:
    """Refunds the first amount, and then the others with more inputs."""
    first, *others = amounts
    found = [ctx.call(refund_one, amount=first, undo=more.get("undo", ""))]
    if pause:
        ctx.sleep(pause)
    return found + [ctx.call(refund_one, amount=one, **more) for one in others]


def refunded(also: int, amounts: list[str] = AMOUNTS, pause: str = "", **more: Any) -> RehearsedRun:
    first = [Answer(value=True, by="ann", comment="Fine.", also=also)]
    people = script({"approval": lambda _: first.pop() if first else Answer(value=False, by="ben")})
    inputs = {"amounts": amounts, "more": more, "pause": pause}
    return run_procedure(refund_several, inputs, humans=people)


def responders(run: RehearsedRun) -> list[str]:
    assert run.status == "succeeded", run.error
    return [name for _, name, _ in run.result]


def test_an_answer_counts_for_so_many_later_questions_with_its_name_and_comment() -> None:
    run = refunded(also=2)

    assert run.result == [[True, "ann", "Fine."]] * 3
    assert len(run.asked) == 3
    assert responders(refunded(also=1)) == ["ann", "ann", "ben"]
    assert responders(refunded(also=0)) == ["ann", "ben", "ben"]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"amounts": ["31", "31.01", "30"]}, ["ann", "ben", "ann"]),
        ({"amounts": ["31", "31"], "customer": "eve"}, ["ann", "ben"]),
        ({"amounts": ["31", "31"], "reason": "damaged"}, ["ann", "ann"]),
        ({"amounts": ["31", "31"], "pause": "6 days"}, ["ann", "ann"]),
        ({"amounts": ["31", "31"], "pause": "7 days"}, ["ann", "ben"]),
    ],
)
def test_later_questions_must_be_like_it(changed: dict[str, Any], expected: list[str]) -> None:
    assert responders(refunded(also=5, **changed)) == expected


def test_it_counts_once_it_cannot_be_undone_and_is_not_held_then() -> None:
    run = refunded(also=5, undo="10s")

    assert responders(run) == ["ann", "ann", "ann"]
    assert run.took.total_seconds() == pytest.approx(10, abs=1)


def test_where_it_is_not_offered_it_is_refused() -> None:
    @procedure
    def asks_plainly(ctx: Context) -> bool:
        return bool(ctx.approve("Go?", expires="1h", default=False))

    with humans(script({"approval": Answer(value=True, also=1)})):
        run = run_procedure(asks_plainly)

    assert run.result is False
    assert [one.message for one in run.refused] == ["This answer can't count for later requests."]
    assert not refunded(also=1, amounts=["101"]).result


@pytest.mark.parametrize("also", [-1, 51, "2"])
def test_what_is_no_number_of_questions_is_refused_in_words(also: Any) -> None:
    with pytest.raises(OptionError, match="also= of an Answer must be a number from 0 to 50"):
        Answer(value=True, also=also)
