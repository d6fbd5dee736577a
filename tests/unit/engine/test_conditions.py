"""The options of a question that say who must agree, by when, and what follows an answer."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from procedures.engine import AnswerError, Like, Outcome, QuestionError, Response
from procedures.engine.kinds.questions import Question, new_question
from procedures.engine.kinds.standing import alike_words, is_offered, is_within, likeness, limits_of
from procedures.engine.kinds.votes import has_decision
from procedures.engine.values import canonical

HOUR = 3600.0
EVIDENCE = {"customer": "ben", "amount": "31.20", "order": {"place": "Ulm", "count": 3}}
DECISIONS = {"send": "Send", "redo": "Write it anew"}


def approval(**options: Any) -> Question:
    return new_question("approval", "Pay?", **options)


def choice(**options: Any) -> Question:
    return new_question("choice", "Which?", {"sea": "By ship", "air": "By air"}, **options)


def review(decisions: dict[str, str] = DECISIONS, **options: Any) -> Question:
    return new_question("review", "Fine?", "Dear Ben", decisions=decisions, **options)


def repeatable(like: Any = Like(["customer"]), **options: Any) -> Question:  # noqa: B008 (frozen)
    return approval(**{"evidence": EVIDENCE, "repeatable": like, **options})


def response(outcome: Outcome, **options: Any) -> Response[Any]:
    at = datetime(2026, 11, 29, 12, tzinfo=UTC)
    question = approval(ask_back=True, **options)
    return Response(None, outcome, "ann", "Which one?", at, timed_out=False, question=question)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: approval(due="soon"), "due=: Invalid duration"),
        (lambda: approval(due="3h", expires="2h", default=False), "due= is later than expires="),
        (lambda: approval(remind="30s"), "remind= must be at least a minute"),
        (lambda: approval(remind=[]), "remind= must be a list of 1 to 20 durations"),
        (
            lambda: approval(remind=["2h", "1h"]),
            "must all be different and be listed from shortest to longest",
        ),
        (lambda: approval(remind=["1h", "60 min"]), "must all be different"),
        (lambda: approval(remind=True), "remind=: Invalid duration"),
        (lambda: approval(remind="2h", expires="2h", default=False), "nobody would be reminded"),
        (lambda: approval(remind=["1h", "3h"], expires="2h", default=False), "be reminded"),
        (lambda: approval(escalate="managers"), 'pairs such as ("4h", "managers")'),
        (lambda: approval(escalate=["managers"]), "not 'managers'"),
        (lambda: approval(escalate=[("4h", "managers", 1)]), "pairs such as"),
        (lambda: approval(escalate=[("4h", "")]), "strings that aren't empty"),
        (lambda: approval(escalate=[("4h", ())]), "names nobody for '4h'"),
        (lambda: approval(escalate=[("4h", "a"), ("4h", "b")]), "must all be different"),
        (lambda: approval(escalate=[("soon", "a")]), "escalate=: Invalid duration"),
        (
            lambda: approval(escalate=[("3h", "a")], expires="2h", default=False),
            "nobody else would be asked",
        ),
        (lambda: repeatable(irreversible=True), "can't be used with irreversible=True"),
        (lambda: repeatable(quorum=2), "can't be used with quorum="),
        (lambda: repeatable(Like()), "names nothing in the evidence"),
        (lambda: repeatable({"fields": ["customer"]}), "repeatable= must be a Like"),
        (lambda: repeatable(Like(["name"])), "names 'name', which the evidence lacks"),
        (lambda: repeatable(Like(["customer"]), volatile="customer"), "which is volatile"),
        (lambda: repeatable(Like([1])), "strings that aren't empty"),  # type: ignore[list-item]
        (lambda: repeatable(Like(at_most={"customer": 5})), "a number in the evidence"),
        (lambda: repeatable(Like(at_most={"amount": "much"})), "map names to numbers"),
        (lambda: repeatable(Like(at_most={"amount": "1e999999999"})), "map names to numbers"),
        (
            lambda: repeatable(Like(at_most={"sum": 9}), evidence={"sum": "1e999999999"}),
            "names 'sum', which isn't a number in the evidence",
        ),
        (lambda: repeatable(Like(at_most={"amount": True})), "map names to numbers"),
        (lambda: repeatable(Like(at_most=["amount"])), "must map names"),  # type: ignore[arg-type]
        (
            lambda: new_question("input", "What?", evidence=EVIDENCE, repeatable=Like(["amount"])),
            "repeatable= needs an approval, or a choice of one option",
        ),
        (lambda: approval(ask_back="yes"), "ask_back= must be True or False"),
        (lambda: approval(follows="ann"), "follows= takes the response to a question"),
        (lambda: approval(follows=response(Outcome.APPROVED)), "that somebody sent back, or None"),
        (
            lambda: review(decisions={"changes_requested": "Redo", "send": "Send"}, ask_back=True),
            "ask_back= can't be used with a decision that is named “changes_requested”",
        ),
        (lambda: approval(four_eyes="yes"), "four_eyes= must be True or False"),
        (lambda: approval(quorum=0), "quorum= must be a whole number from 1 to 100"),
        (lambda: approval(quorum=True), "quorum= must be a whole number"),
        (lambda: approval(quorum=101), "quorum= must be a whole number"),
        (lambda: review(quorum=2), "quorum= needs an approval, or a choice of one option"),
        (lambda: choice(many=True, quorum=2), "quorum= needs an approval"),
        (lambda: new_question("input", "What?", quorum=2), "quorum= needs an approval"),
        (lambda: approval(veto=True), "veto= needs quorum= of at least 2"),
        (lambda: approval(veto=1, quorum=2), "veto= must be True or False"),
        (lambda: choice(veto=True, quorum=2), "veto= needs an approval"),
        (lambda: approval(undo="10s", irreversible=True), "undo= can't be used with irreversible"),
        (lambda: approval(undo="2 days"), "undo= can be at most a day"),
        (lambda: approval(undo=0), "undo=: Invalid duration"),
        (lambda: approval(comment_required_on="declined"), "The decisions are approved, rejected."),
        (lambda: choice(comment_required_on={"rail"}), "The decisions are sea, air."),
        (
            lambda: new_question("input", "What?", comment_required_on="answered"),
            "The question has no decisions.",
        ),
        (lambda: approval(comment_required_on=[3]), "comment_required_on= can only contain"),
        (lambda: approval(risk="grave"), 'risk= must be "low", "normal" or "high"'),
        (lambda: approval(risk=["high"]), "risk= must be"),
    ],
)
def test_an_option_that_can_have_no_effect_is_refused(
    ask: Callable[[], Question], words: str
) -> None:
    with pytest.raises(QuestionError) as refusal:
        ask()

    assert words in str(refusal.value)


def test_what_is_given_is_kept_in_seconds() -> None:
    asked = approval(
        due="1h", remind=["30 min", "1h"], escalate=[("2h", "managers"), ("3h", ["@ann", "@ben"])]
    )

    assert asked.due == HOUR
    assert (asked.remind, asked.remind_every) == ((HOUR / 2, HOUR), None)
    assert asked.escalate == ((2 * HOUR, ("managers",)), (3 * HOUR, ("@ann", "@ben")))
    assert approval(remind="1h").remind_every == HOUR


def test_a_stored_question_has_the_options_it_was_asked_with() -> None:
    asked = approval(
        due="1h",
        remind=["30 min"],
        escalate=[("2h", "managers")],
        four_eyes=True,
        quorum=2,
        veto=True,
        undo="10s",
        comment_required_on={"rejected"},
        risk="high",
    )

    stored = canonical.plain(canonical.text_of(asked.as_json()))

    assert Question.from_json(stored) == asked
    assert Question.from_json(stored).digest == asked.digest


def test_options_that_are_not_used_are_not_stored() -> None:
    assert not {"due", "remind", "quorum", "risk", "undo"} & approval().as_json().keys()


@pytest.mark.parametrize(
    "option",
    [
        {"four_eyes": True},
        {"quorum": 2},
        {"comment_required_on": "rejected"},
        {"risk": "high"},
        {"irreversible": True},
    ],
)
def test_an_answer_counts_only_under_the_same_conditions(option: dict[str, Any]) -> None:
    assert approval(**option).digest != approval().digest
    assert approval(**option).digest == approval(**option).digest


@pytest.mark.parametrize(
    "option", [{"due": "1h"}, {"remind": "1h"}, {"escalate": [("1h", "a")]}, {"undo": "10s"}]
)
def test_an_answer_counts_whenever_people_were_reminded(option: dict[str, Any]) -> None:
    assert approval(**option).digest == approval().digest


def test_a_decision_may_need_a_comment() -> None:
    asked = approval(comment_required_on={"rejected"}, no="Keep it")

    asked.check_comment(True, "")  # noqa: FBT003
    asked.check_comment(False, "Too much.")  # noqa: FBT003
    with pytest.raises(AnswerError, match="“Keep it” needs a comment") as refusal:
        asked.check_comment(False, " ")  # noqa: FBT003
    assert [fault.field for fault in refusal.value.faults] == ["comment"]


def test_an_option_and_a_review_may_need_a_comment_too() -> None:
    with pytest.raises(AnswerError, match="“By air” needs a comment"):
        choice(comment_required_on="air").check_comment("air", "")
    with pytest.raises(AnswerError, match="“Write it anew” needs a comment"):
        review(comment_required_on="redo").check_comment({"decision": "redo"}, "")


def test_silence_says_who_else_will_be_asked() -> None:
    asked = approval(escalate=[("4h", "managers"), ("1 day", ["@ann", "@ben"])])

    assert asked.silence() == (
        "If nobody answers within 4 hours, managers will be asked too. "
        "If nobody answers within 1 day, @ann and @ben will be asked too. "
        "The request stays open until somebody answers."
    )


def test_conditions_are_told_in_sentences() -> None:
    asked = approval(
        quorum=2, veto=True, four_eyes=True, comment_required_on="rejected", undo="90s"
    )

    assert asked.conditions() == [
        "2 people must agree.",
        "One rejection is enough to reject the request.",
        "Whoever started, restarted or forked this run, or changed its inputs, can't answer, nor "
        "can their deputies.",
        "“Reject” needs a comment.",
        "An answer can be undone for 90 seconds.",
    ]
    assert approval().conditions() == []


@pytest.mark.parametrize(
    ("votes", "left", "is_decided"),
    [
        ([], 5, False),
        ([True], 4, False),
        ([True, False], 3, False),
        ([True, False, True], 2, True),
        ([False, False], 3, True),
        ([True, False], 0, True),  # nobody is left who could be the second to approve
        ([False], 1, True),
        ([False, True], 0, False),  # only the vote that makes it impossible decides
    ],
)
def test_the_first_decision_with_enough_votes_counts(
    votes: list[bool],
    left: int,
    is_decided: bool,  # noqa: FBT001
) -> None:
    assert has_decision(approval(quorum=2), votes, left=left) is is_decided


def test_with_a_veto_one_rejection_is_enough() -> None:
    asked = approval(quorum=3, veto=True)

    assert has_decision(asked, [True, False], left=9)
    assert not has_decision(asked, [True, True], left=9)


def test_options_of_a_choice_are_counted_each() -> None:
    asked = choice(quorum=2)

    assert not has_decision(asked, ["sea", "air"], left=0)
    assert has_decision(asked, ["sea", "air", "sea"], left=0)


# Sending back


def test_a_question_about_which_nobody_can_ask_back_says_so() -> None:
    with pytest.raises(AnswerError, match="This request can't be sent back"):
        approval().check_ask_back("Which one?")

    with pytest.raises(AnswerError, match="Write what is missing"):
        approval(ask_back=True).check_ask_back(" ")

    approval(ask_back=True).check_ask_back("Which one?")


def test_a_question_keeps_what_was_asked_back_before_it() -> None:
    second = approval(follows=response(Outcome.CHANGES_REQUESTED))
    third = approval(
        follows=response(Outcome.CHANGES_REQUESTED, follows=response(Outcome.CHANGES_REQUESTED))
    )

    assert [one.text for one in third.follows] == ["Which one?", "Which one?"]
    assert Question.from_json(third.as_json()).follows == third.follows
    assert second.digest != approval().digest
    assert approval(ask_back=True).digest != approval().digest
    assert approval(follows=None).digest == approval().digest


def test_the_newest_of_many_are_shown() -> None:
    last = response(Outcome.CHANGES_REQUESTED)
    for _ in range(30):
        last = response(Outcome.CHANGES_REQUESTED, follows=last)

    assert last.question
    assert len(last.question.follows) == 20


# Later questions like it

LIKE = Like(["customer", "order.place"], {"amount": 100, "order.count": 3})


@pytest.mark.parametrize(
    ("changes", "is_alike"),
    [
        ({}, True),
        ({"amount": 12}, True),
        ({"order": {"place": "Ulm", "count": 2}}, True),
        ({"customer": "bea"}, False),
        ({"order": {"place": "Bonn", "count": 3}}, False),
        ({"order": {"place": "Ulm", "count": 3, "note": ""}}, False),
        ({"more": 1}, False),
        ({"amount": "31.21"}, False),
        ({"order": {"place": "Ulm", "count": 4}}, False),
    ],
)
def test_which_questions_are_alike(changes: dict[str, Any], is_alike: bool) -> None:  # noqa: FBT001
    shown = repeatable(LIKE)
    later = repeatable(LIKE, evidence={**EVIDENCE, **changes})

    is_same = likeness(later) == likeness(shown)

    assert (is_same and is_within(later, limits_of(shown))) is is_alike


@pytest.mark.parametrize(
    ("shown", "later", "is_alike"),
    [
        ("Refund 31.20 €?", "Refund 12 €?", True),
        ("Refund €31.20.", "Refund €12.00.", True),
        ("Refund 31.20 €?", "Delete the customer?", False),
        ("Refund 31.20 €?", "Refund 31.20 €?", False),
        ("Refund 31.20 to account 31.20?", "Refund 12 to account 12?", False),
        ("Refund 131.20 €?", "Refund 112 €?", False),
    ],
)
def test_prompts_are_alike_but_for_limited_numbers(
    shown: str,
    later: str,
    is_alike: bool,  # noqa: FBT001
) -> None:
    def likeness_of(text: str, amount: str) -> tuple[str, ...]:
        more: Any = {"evidence": {"amount": amount}, "repeatable": Like(at_most={"amount": 100})}
        plain = new_question("approval", text, **more)
        labelled = new_question("approval", "Well?", yes=text, **more)
        described = choice(descriptions={"sea": text}, **more)
        return likeness(plain), likeness(labelled), likeness(described)

    pairs = zip(likeness_of(shown, "31.20"), likeness_of(later, "12"), strict=True)

    assert [one == other for one, other in pairs] == [is_alike] * 3


def test_numbers_are_limited_by_the_author_and_by_what_was_shown() -> None:
    assert is_offered(repeatable(Like(at_most={"amount": 100})))
    assert not is_offered(repeatable(Like(at_most={"amount": 31})))
    assert not is_offered(approval(evidence=EVIDENCE))
    shown = repeatable(Like(at_most={"amount": 100}), evidence={"amount": 50})
    higher = repeatable(Like(at_most={"amount": 40}), evidence={"amount": 45})
    assert not is_within(higher, limits_of(shown))
    assert not is_within(repeatable(Like(at_most={"amount": 100})), {})


def test_what_is_repeatable_is_stored_and_in_the_digest() -> None:
    question = repeatable(LIKE)

    assert Question.from_json(question.as_json()).repeatable == question.repeatable
    assert question.digest != repeatable(None).digest == approval(evidence=EVIDENCE).digest
    assert alike_words(question) == [
        ("customer", "ben"),
        ("order.place", "Ulm"),
        ("amount", "≤ 31.20"),
        ("order.count", "≤ 3"),
    ]
