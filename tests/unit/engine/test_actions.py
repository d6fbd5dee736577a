"""Actions: people approve exactly what they saw, or exactly what they made of it."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from procedures.engine import Context, Currency, Like, NotApprovedError, QuestionError, Step
from procedures.engine import procedure as declared
from procedures.engine.errors import AnswerError
from procedures.engine.kinds.questions import new_question
from procedures.engine.kinds.standing import likeness
from procedures.testing import Answer, People, RehearsedRun, crash_test, run_procedure, script

paid: dict[str, list[tuple[str, Decimal, date]]] = {}
DAY = date(2026, 12, 24)


class Payment(BaseModel):
    order: str
    amount: Annotated[Decimal, Currency("EUR")]
    day: date


def pay_back(order: str, amount: Decimal, day: date, step: Step) -> str:
    paid.setdefault(step.idempotency_key, []).append((order, amount, day))
    return f"{amount} € for {order}"


@declared
def refund(ctx: Context, raised_to: Decimal | None = None) -> list[Any]:
    given: dict[str, Any] = {"order": "A-7", "amount": Decimal("31.20"), "day": DAY}
    payment = ctx.bind(pay_back, **given)
    shown = payment.as_evidence()
    values = {name: shown[name] for name in given}
    decision = ctx.request("action", "Pay back?", values, Payment, evidence=payment)
    if not decision:
        return [decision.outcome, decision.comment]
    if decision.value:
        payment = ctx.bind(pay_back, **dict(decision.value))
    if raised_to:
        payment = ctx.bind(pay_back, "A-7", raised_to, DAY)
    return [decision.outcome, ctx.step(payment, approved_by=decision)]


def in_turn(*answers: Any) -> People:
    left = iter(answers)
    return script({"action": lambda _: next(left)})


@pytest.fixture(autouse=True)
def nothing_paid() -> None:
    paid.clear()


@pytest.mark.parametrize(
    ("said", "result"),
    [
        (True, ["approved", "31.20 € for A-7"]),
        (Answer(value=False, comment="Too late."), ["rejected", "Too late."]),
        (Answer({"amount": "20"}), ["edited", "20 € for A-7"]),
        (Answer({"amount": 20.5, "order": "A-8"}), ["edited", "20.5 € for A-8"]),
        (Answer({"order": "A-7"}), ["approved", "31.20 € for A-7"]),
    ],
)
def test_what_people_approved_or_made_of_it_runs_once_wherever_it_is_killed(
    said: Any, result: list[str]
) -> None:
    def outcome(run: RehearsedRun) -> Any:
        return run.result, run.prompts, {key: set(one) for key, one in paid.items()}

    report = crash_test(refund, humans=script({"action": said}), fresh=paid.clear, outcome=outcome)

    assert report.undisturbed.result == result
    assert len(report.undisturbed.asked) == 1
    assert len(paid) == (result[0] != "rejected")


def test_a_step_that_is_neither_what_was_shown_nor_what_was_changed_is_asked_again() -> None:
    people = in_turn(Answer({"amount": "20"}), Answer(value=True))

    run = run_procedure(refund, {"raised_to": "90"}, humans=people)

    assert run.result == ["edited", "90 € for A-7"]
    first, again = (one.question for one in run.asked)
    assert first
    assert again
    assert [one.name for one in first.controls] == ["changes", "buttons"]
    assert [one.name for one in again.controls] == ["buttons"]
    assert again.evidence["amount"] == "90"


def test_a_second_rejection_ends_it() -> None:
    run = run_procedure(
        refund, {"raised_to": "90"}, humans=in_turn(Answer(value=True), Answer(value=False))
    )

    assert run.error
    assert run.error["type"] == NotApprovedError.__name__
    assert paid == {}


ASKED = new_question(
    "action",
    "Pay?",
    {"amount": 5, "to": "Ben"},
    schema={
        "type": "object",
        "properties": {"amount": {"type": "integer", "maximum": 9}, "to": {"type": "string"}},
        "required": ["amount", "to"],
    },
    evidence={"amount": 5, "to": "Ben"},
)


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (
            {"decision": "approved", "values": {"amount": 10}},
            "amount: The answer must be at most 9",
        ),
        ({"decision": "approved", "values": {"amont": 1}}, "amont"),
        ({"decision": "perhaps"}, "approved"),
        ("approved", "Answer with a decision"),
        ({"values": {"amount": 1}}, "decision"),
    ],
)
def test_what_does_not_fit_is_refused_when_it_is_given(value: Any, fault: str) -> None:
    with pytest.raises(AnswerError, match=fault):
        ASKED.check(value)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"decision": "approved", "field-amount": "3"}, {"amount": 3, "to": "Ben"}),
        ({"decision": "approved", "field-amount": "5"}, None),
        ({"decision": "rejected", "field-amount": "3"}, None),
    ],
)
def test_a_page_sends_all_values_and_those_that_differ_count(
    sent: dict[str, str], kept: Any
) -> None:
    fields = {**sent, "field-to": "Ben", "values": "shown"}

    found = ASKED.check(ASKED.read_controls(lambda name: [fields[name]] if name in fields else []))

    assert found == {"decision": sent["decision"], **({"values": kept} if kept else {})}


@pytest.mark.parametrize(
    ("proposed", "fault"),
    [
        ({"weight": "5"}, "'weight' doesn't fit its schema. The answer must be a whole number."),
        ({"weight": None}, "'weight' doesn't fit its schema. "),
        ({"to": {"floor": 1}}, "'to' doesn't fit its schema. city: This is missing."),
    ],
)
def test_proposed_values_that_nobody_could_approve_are_refused_when_they_are_asked(
    proposed: dict[str, Any], fault: str
) -> None:
    place = {"type": "object", "properties": {"city": TEXT, "floor": WHOLE}, "required": ["city"]}
    schema = {"type": "object", "properties": {"weight": WHOLE, "to": place}, "required": ["to"]}

    asked = new_question("action", "Send it?", proposed, schema=schema)
    with pytest.raises(QuestionError) as refusal:
        asked.rules.check_asked(asked)

    assert str(refusal.value).startswith(f"'Send it?': the proposed value of {fault}")
    asked = new_question("action", "Send it?", {"weight": 5}, schema=schema)
    asked.rules.check_asked(asked)
    assert asked.check(value=True) == YES  # people can fill in what is missing


def test_an_answer_says_what_it_changed() -> None:
    value = ASKED.check({"decision": "approved", "values": {"amount": 3}})

    assert value == {"decision": "approved", "values": {"amount": 3, "to": "Ben"}}
    assert ASKED.answers(value) == [("Amount", "5 → 3")]


@pytest.mark.parametrize("shared", [{"quorum": 2}, {"four_eyes": True}])
def test_what_several_decide_and_one_changes_is_approved_by_somebody_else_too(
    shared: dict[str, Any],
) -> None:
    shown = {"weight": 5}
    asked = new_question("action", "Pay?", shown, schema=WEIGHT, evidence=shown, **shared)
    assert [one.name for one in asked.controls] == ["changes", "buttons"]
    changed = asked.rules.changed_by(asked, asked.check({**YES, "values": {"weight": 4}}))

    assert (changed.quorum, changed.evidence) == (2, {"weight": 4})
    with pytest.raises(AnswerError, match="have been changed"):
        changed.check(value=True)
    assert changed.check(value=False) == {"decision": "rejected"}
    same = changed.check({**YES, "values": {"weight": 4}})
    assert changed.outcome_of(same) == "approved"
    assert asked.rules.restated(asked, changed, same) == {**YES, "values": {"weight": 4}}
    back = changed.check({**YES, "values": {"weight": 5}})
    assert changed.outcome_of(back) == "edited"
    assert asked.rules.restated(asked, changed, back) == YES


def test_what_is_approved_by_silence_keeps_its_values_where_several_decide() -> None:
    late: dict[str, Any] = {"expires": "1h", "default": True, "four_eyes": True}
    asked = new_question("action", "Pay?", {"weight": 5}, schema=WEIGHT, **late)

    assert [one.name for one in asked.controls] == ["buttons"]
    with pytest.raises(AnswerError, match="counts as approved if nobody answers"):
        asked.check({**YES, "values": {"weight": 4}})


YES = {"decision": "approved"}
TEXT, WHOLE = {"type": "string"}, {"type": "integer"}
WEIGHT = {"type": "object", "properties": {"weight": WHOLE}}


def test_a_later_action_with_a_smaller_number_is_like_an_earlier_one() -> None:
    def asked(weight: int) -> Any:
        like = Like(at_most={"weight": 9})
        evidence = {"weight": weight}
        return new_question(
            "action", "Send?", {"weight": weight}, schema=WEIGHT, evidence=evidence, repeatable=like
        )

    assert likeness(asked(5)) == likeness(asked(3))
    assert asked(5).digest != asked(3).digest


def test_a_default_is_a_decision() -> None:
    asked = new_question("action", "Send?", expires="1h", default=False)

    assert asked.default == {"decision": "rejected"}
    with pytest.raises(QuestionError, match="True or False"):
        new_question("action", "Send?", expires="1h", default="perhaps")
