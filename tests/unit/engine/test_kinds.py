"""Kinds of requests: what each is kept as, and the controls by which it is answered."""

from typing import Any

import pytest
from pydantic import BaseModel

from procedures.engine.errors import AnswerError
from procedures.engine.kinds import Kind, Outcome, Terms, register_kind
from procedures.engine.kinds.questions import Question, new_question
from procedures.engine.values import canonical

DECISIONS = {"send": "Send it", "drop": "Drop it"}


class Parcel(BaseModel):
    weight: int
    is_fragile: bool = False


@register_kind
class Delivery(Kind):
    """A kind that says no more than its schema: an object of two fields."""

    name = "delivery"

    def ask(self, prompt: str, *, most: int = 9) -> Terms:
        weight = {"type": "integer", "maximum": most}
        note = {"type": "string", "default": "None.", "title": "Note for the driver"}
        return Terms({"type": "object", "properties": {"weight": weight, "note": note}})


APPROVAL = new_question("approval", "Pay?", yes="Pay 31.20 €", evidence={"order": "A-7"})
WORDS = new_question("input", "Which name?")
NUMBER = new_question("input", "How many?", int)
WET = new_question("input", "Is it wet?", bool)
ONE = new_question("choice", "Which?", {"b": "Bread", "a": "Apples"})
SOME = new_question("choice", "Which?", ["b", "a"], many=True)
MANY = new_question("choice", "Which?", {f"o{n}": f"Option {n}" for n in range(200)})
LETTER = new_question("review", "Fine?", "Dear bob,\n")
DATA = new_question("review", "Fine?", {"total": 7}, decisions=DECISIONS)
FORM = new_question("form", "How big?", Parcel)
PROBLEM = new_question("escalation", "The bank is silent")
OWN = new_question("delivery", "How is it sent?", most=5)
PAPER = new_question("upload", "Which paper?", accept="image/*")
OPEN = new_question("choice", "Which?", ["b", "a"], other=True, descriptions={"a": "Fresh"})
MARKDOWN = new_question("review", "Fine?", "# Hi", format="markdown")
ACTION = new_question(
    "action", "Send it?", {"weight": 5}, Parcel, yes="Send", evidence={"weight": 5}
)
FIXED = new_question("action", "Send it?", evidence={"weight": 5})
TABLE = new_question("review", "Fine?", [{"a": 1}], format="table")


@pytest.mark.parametrize(
    ("question", "digest"),
    [
        (APPROVAL, "69af1bf36c6102301eaaf357c93e92571a61e594c77abe7d3813280d5cc48d0e"),
        (WORDS, "397b5eddc03a791b8b3dda6f697e4404404f7babd4fe92f536df799c1ea5d329"),
        (SOME, "5d620a0cd400ec024aa97ab08f48b04818f5ac0f355f41383cbb72232eb3eaa2"),
        (DATA, "227570314d63b4d8ac19044c1f16488effc8e087f328f8e0c4a367e76c79a34d"),
        (FORM, "74e1545ef879e8b35a568540a4580ef5cd23f562a68a5a4ce58f466a1d08fe68"),
        (PROBLEM, "42a0c0f660a49e151d6f9b7075300ab05b91c7402090ee0c9da9babd7661c588"),
        (PAPER, "22c9ec36abc0f2d11aa380058dd4ab598adba9b5f343f93d9acbff72c10b8108"),
        (OPEN, "bcf09ff9ce3ab8dede0102e1475f72cd22191b0b5e81ebc8480513a05ad60424"),
        (MARKDOWN, "ddc447f7f25baf55cc72f2587bd9e745a17501be10f666329757d43aad9d312d"),
    ],
    ids=lambda one: getattr(one, "kind", ""),
)
def test_an_answer_serves_the_questions_of_earlier_versions(
    question: Question, digest: str
) -> None:
    assert question.digest == digest


@pytest.mark.parametrize(
    ("question", "names"),
    [
        (APPROVAL, ["buttons"]),
        (WORDS, ["fields", "buttons"]),
        (WET, ["buttons"]),
        (ONE, ["options", "buttons"]),
        (DATA, ["editor", "buttons"]),
        (FORM, ["fields", "buttons"]),
        (PROBLEM, ["fields", "buttons"]),
        (OWN, ["fields", "buttons"]),
        (PAPER, ["uploads", "buttons"]),
        (OPEN, ["options", "buttons"]),
        (MARKDOWN, ["editor", "buttons"]),
        (TABLE, ["table", "buttons"]),
        (ACTION, ["changes", "buttons"]),
        (FIXED, ["buttons"]),
    ],
)
def test_each_kind_names_its_controls(question: Question, names: list[str]) -> None:
    assert [control.name for control in question.controls] == names


@pytest.mark.parametrize(
    ("question", "sent", "value"),
    [
        (APPROVAL, {"value": "true"}, True),
        (APPROVAL, {"value": "false"}, False),
        (WORDS, {"value": " Snow\r\nwhite "}, "Snow\nwhite"),
        (NUMBER, {"value": "12"}, 12),
        (WET, {"value": "false"}, False),
        (ONE, {"value": "a"}, "a"),
        (SOME, {"value": ["a", "b"]}, ["a", "b"]),
        (MANY, {"value": "Option 7"}, "o7"),
        (MANY, {"value": "8"}, "o7"),
        (LETTER, {"text": "Dear bob,\r\n", "decision": "approved"}, {"decision": "approved"}),
        (
            LETTER,
            {"text": "Dear ann,\r\n", "decision": "approved"},
            {"decision": "approved", "text": "Dear ann,\n"},
        ),
        (DATA, {"decision": "drop"}, {"decision": "drop"}),
        (
            FORM,
            {"field-weight": "5", "field-is_fragile": "true"},
            {"weight": 5, "is_fragile": True},
        ),
        (PROBLEM, {"value": "Called them."}, "Called them."),
        (OWN, {"field-weight": "5", "field-note": "Ring."}, {"weight": 5, "note": "Ring."}),
        (ACTION, {"decision": "rejected"}, {"decision": "rejected"}),
        (FIXED, {"decision": "approved"}, {"decision": "approved"}),
    ],
)
def test_what_a_page_sends_is_an_answer(
    question: Question, sent: dict[str, Any], value: Any
) -> None:
    found = question.read_controls(texts(sent))

    assert canonical.text_of(found) == canonical.text_of(value)
    assert question.check(found) == question.completed(value)


@pytest.mark.parametrize(
    ("question", "sent", "sentence"),
    [
        (APPROVAL, {}, "yes or no"),
        (APPROVAL, {"value": "perhaps"}, "yes or no"),
        (WORDS, {}, "Write something"),
        (NUMBER, {"value": "a dozen"}, "a whole number"),
        (ONE, {}, "Choose one of"),
        (SOME, {}, "Choose at least 1"),
        (MANY, {"value": "Option 999"}, "isn't one of the options"),
        (DATA, {"text": '{"total": 8}'}, "Choose one of"),
        (FORM, {}, "weight: This is missing"),
        (OWN, {"field-weight": "6"}, "weight: The answer must be at most 5"),
    ],
)
def test_what_is_no_answer_is_told_in_words(
    question: Question, sent: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(AnswerError, match=sentence):
        question.check(question.read_controls(texts(sent)))


@pytest.mark.parametrize(
    ("question", "sent", "words"),
    [
        (APPROVAL, {"value": "true"}, []),
        (WORDS, {"value": " Snow white "}, ["Snow white"]),
        (ONE, {"value": "a"}, []),
        (LETTER, {"text": "Dear bob,\r\n"}, []),
        (LETTER, {"text": "Dear ann,\r\n"}, ["Dear ann,\n"]),
        (OWN, {"field-weight": "", "field-note": "Ring."}, ["Note for the driver: Ring."]),
    ],
)
def test_what_somebody_typed_is_told_from_what_stood_there(
    question: Question, sent: dict[str, Any], words: list[str]
) -> None:
    found = [one for control in question.controls for one in control.own_words(texts(sent))]

    assert found == words


def test_a_kind_of_fields_needs_no_more_than_its_schema() -> None:
    value = OWN.check({"weight": 5})

    assert value == {"weight": 5, "note": "None."}
    assert OWN.outcome_of(value) == Outcome.ANSWERED
    assert OWN.fields == ["Weight", "Note for the driver"]
    assert OWN.label_of(value) == "Weight: 5 · Note for the driver: None."
    assert Question.from_json(canonical.plain(canonical.text_of(OWN.as_json()))) == OWN


def texts(sent: dict[str, Any]) -> Any:
    """Read the value that was sent under a name, as a page's form gives it."""
    return lambda name: [one] if isinstance(one := sent.get(name, []), str) else one
