"""Choices with descriptions and answers of one's own; drafts in several formats; uploads."""

import json
from typing import Any

import pytest

from procedures.engine import Context, File, procedure
from procedures.engine.errors import AnswerError, QuestionError
from procedures.engine.kinds import NoReplyError
from procedures.engine.kinds.controls import Options, Uploads
from procedures.engine.kinds.questions import Question, new_question
from procedures.engine.values.attachments import words_of_type
from procedures.testing import GivenFile, run_procedure, script

FRUIT = {"a": "Apples", "b": "Bread"}
OPEN = new_question("choice", "Which?", FRUIT, other="Another one")
OPEN_MANY = new_question("choice", "Which?", FRUIT, many=True, other=True)
TOLD = new_question("choice", "Which?", FRUIT, descriptions={"b": "Baked today"})
PAPER = File("a.pdf", "1" * 64, 5, "application/pdf")
CHANGED = File("a.pdf", "2" * 64, 6, "application/pdf")
FILED = new_question("review", "Fine?", PAPER)
ONE_FILE = new_question("upload", "Which?", accept="image/*", largest="1 kB")
FILES = new_question("upload", "Which?", many=True)


def texts(sent: dict[str, Any]) -> Any:
    lists = {name: one if isinstance(one, list) else [one] for name, one in sent.items()}
    return lambda name: lists.get(name, [])


@pytest.mark.parametrize(
    ("question", "sent", "value"),
    [
        (OPEN, "a", "a"),
        (OPEN, "Pears", "Pears"),
        (OPEN, "apples", "a"),
        (OPEN_MANY, ["a", "Pears"], ["a", "Pears"]),
        (OPEN_MANY, ["Bread"], ["b"]),
    ],
)
def test_an_answer_of_ones_own_counts(question: Question, sent: Any, value: Any) -> None:
    assert question.check(sent) == value


@pytest.mark.parametrize(
    ("question", "sent", "words"),
    [
        (OPEN, " ", "Write something"),
        (OPEN, 5, "must be text"),
        (OPEN, "x" * 2_001, "The answer must have at most 2000"),
        (OPEN_MANY, ["a", "Apples"], "Choose each only once"),
        (OPEN_MANY, [], "Choose at least 1"),
        (TOLD, "Pears", "Choose one of"),
    ],
)
def test_what_is_no_choice_is_refused(question: Question, sent: Any, words: str) -> None:
    with pytest.raises(AnswerError, match=words):
        question.check(sent)


@pytest.mark.parametrize(
    ("question", "sent", "value"),
    [
        (OPEN, {"value": "a"}, "a"),
        (OPEN, {"value": "", "value-other": " Pears "}, "Pears"),
        (OPEN, {"value-other": "Pears"}, "Pears"),
        (OPEN, {"value": "a", "value-other": "Pears"}, "a"),
        (OPEN, {"value": "", "value-other": ""}, ""),
        (OPEN_MANY, {"value": ["a", ""], "value-other": "Pears"}, ["a", "Pears"]),
        (TOLD, {"value": "a", "value-other": "Pears"}, "a"),
    ],
)
def test_what_a_page_sends_is_read(question: Question, sent: dict[str, Any], value: Any) -> None:
    assert question.read_controls(texts(sent)) == value


def test_words_in_the_chat_name_an_answer_of_ones_own() -> None:
    assert OPEN.rules.read_words(OPEN, "another one: Pears").value == "Pears"
    assert OPEN.rules.read_words(OPEN, "2").value == "b"
    assert OPEN.rules.typing_hint(OPEN) == "an option or its number, or “Another one: …”"
    for question, words in ((OPEN, "Pears"), (TOLD, "Another one: Pears")):
        with pytest.raises(NoReplyError):
            question.rules.read_words(question, words)


def test_what_somebody_wrote_is_not_told_to_everybody() -> None:
    assert OPEN.rules.public_answer(OPEN, "Pears", "answered") == "Another one"
    assert OPEN_MANY.rules.public_answer(OPEN_MANY, ["a", "Pears"], "answered") == (
        "Apples, Something else"
    )


def test_descriptions_are_shown_and_belong_to_the_question() -> None:
    (options, _) = TOLD.controls
    assert isinstance(options, Options)
    assert (options.describe("a"), options.describe("b")) == ("", "Baked today")
    assert TOLD.digest != new_question("choice", "Which?", FRUIT).digest
    assert OPEN.digest != new_question("choice", "Which?", FRUIT).digest


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"descriptions": {"c": "Cake"}}, "'c', which isn't one of the options"),
        ({"descriptions": {"a": ""}}, "must be a string that isn't empty"),
        ({"descriptions": ["a"]}, "must map options to strings"),
        ({"other": ""}, "other= must be True"),
        ({"other": 1}, "other= must be True"),
        ({"other": "apples"}, "is one of the options"),
    ],
)
def test_options_of_a_choice_are_checked(options: dict[str, Any], words: str) -> None:
    with pytest.raises(QuestionError, match=words):
        new_question("choice", "Which?", FRUIT, **options)


@pytest.mark.parametrize(
    ("draft", "format", "shown_as"),
    [
        ("Hi", "", ""),
        ("Hi", "text", ""),
        ("# Hi", "markdown", "markdown"),
        ("x = 1", "code", "code"),
        ({"a": 1}, "json", ""),
        ([{"a": 1}, {"a": 2}], "table", "table"),
    ],
)
def test_a_draft_is_shown_as_its_author_says(draft: Any, format: str, shown_as: str) -> None:  # noqa: A002
    question = new_question("review", "Fine?", draft, format=format)

    assert question.shown_as == shown_as
    plain = new_question("review", "Fine?", draft)
    assert (question.digest == plain.digest) == (shown_as == "")


@pytest.mark.parametrize(
    ("draft", "format", "words"),
    [
        ("Hi", "html", "format= must be 'text' or"),
        ("Hi", "table", "doesn't suit a draft that is a text"),
        ({"a": 1}, "markdown", "doesn't suit a draft that is data"),
        ({"a": 1}, "table", "needs a list of mappings"),
        ([], "table", "needs a list of mappings"),
        ([{}], "table", "needs a list of mappings"),
        (PAPER, "markdown", "a file can't have format="),
        ("Hi", 5, "format= must be"),
    ],
)
def test_a_format_that_does_not_suit_is_refused(draft: Any, format: Any, words: str) -> None:  # noqa: A002
    with pytest.raises(QuestionError, match=words):
        new_question("review", "Fine?", draft, format=format)


@pytest.mark.parametrize(
    ("sent", "outcome"),
    [
        ({"decision": "approved"}, "approved"),
        ({"decision": "approved", "file": CHANGED}, "edited"),
        ({"decision": "approved", "file": PAPER}, "approved"),
        ({"decision": "rejected"}, "rejected"),
    ],
)
def test_a_file_is_reviewed(sent: dict[str, Any], outcome: str) -> None:
    assert FILED.outcome_of(FILED.check(sent)) == outcome
    assert isinstance(FILED.controls[0], Uploads)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"decision": "approved", "file": "x"}, "uploaded file"),
        ({"decision": "approved", "file": vars(CHANGED)}, "uploaded file"),
        ({"decision": "approved", "text": "x"}, "^text: This isn't a field"),
        ({"decision": "rejected", "file": CHANGED}, "can't have another file"),
        ({}, "missing|Fill in"),
    ],
)
def test_what_is_no_decision_about_a_file_is_refused(sent: dict[str, Any], words: str) -> None:
    with pytest.raises(AnswerError, match=words):
        FILED.check(sent)


def write() -> File:
    return File.keep("a.txt", "old")


def test_the_procedure_gets_the_final_file() -> None:
    @procedure
    def reviews(ctx: Context) -> list[Any]:
        paper = ctx.step(write)
        first = ctx.review("Fine?", paper)
        second = ctx.review("Still fine?", paper)
        third = ctx.review("Sure?", paper)
        return [first.value.text(), first.outcome, second.value.text(), third.value]

    people = script(
        {
            "Fine?": {"decision": "approved", "file": GivenFile("b.txt", "new")},
            "Still fine?": True,
            "Sure?": False,
        }
    )
    assert run_procedure(reviews, humans=people).result == ["new", "edited", "old", None]


def test_files_are_uploaded() -> None:
    @procedure
    def asks(ctx: Context) -> list[Any]:
        one = ctx.upload("Which?", accept="text/*", largest="1 kB").value
        several = ctx.later.upload("Which ones?", many=True, name="all").wait().value
        nothing = ctx.upload("More?", expires="1h", default=None, name="more")
        return [one.text(), [file.name for file in several], nothing.value, bool(nothing)]

    answers = {
        "all": [GivenFile("b.txt", "y"), GivenFile("c.txt", "z")],
        "more": lambda _: None,
        "upload": GivenFile("a.txt", "x"),
    }
    people = script(answers)
    assert run_procedure(asks, humans=people).result == ["x", ["b.txt", "c.txt"], None, False]


@pytest.mark.parametrize(
    ("media_type", "words"),
    [
        ("application/pdf", "PDF"),
        ("Image/JPEG", "JPG"),
        ("image/*", "any picture"),
        ("application/xml", "XML"),
        ("text/xml", "XML"),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "XLSX"),
        ("application/vnd.oasis.opendocument.text", "ODT"),
        ("application/x-unheard", "application/x-unheard"),
    ],
)
def test_people_read_what_they_call_a_media_type(media_type: str, words: str) -> None:
    assert words_of_type(media_type) == words


@pytest.mark.parametrize(
    ("question", "sent", "words"),
    [
        (ONE_FILE, PAPER, r"a.pdf has the type PDF. Send any picture"),
        (ONE_FILE, File("b.png", "1" * 64, 2_000, "image/png"), "the limit is 1 kB"),
        (ONE_FILE, "token", "uploaded file"),
        (ONE_FILE, vars(PAPER), "uploaded file"),
        (ONE_FILE, None, "uploaded file"),
        (FILES, [], "Give at least 1"),
        (FILES, [PAPER] * 101, "Give at most 100"),
        (FILES, PAPER, "must be a list|can't be stored"),
        (FILES, [PAPER, "x"], "1: This must be an uploaded file"),
    ],
)
def test_what_is_no_upload_is_refused(question: Question, sent: Any, words: str) -> None:
    with pytest.raises(AnswerError, match=words):
        question.check(sent)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"accept": "pdf"}, "accept= must be media types"),
        ({"accept": ["image/*", 5]}, "accept= must be media types"),
        ({"largest": "5 parsecs"}, "largest= must be a size"),
        ({"largest": 0}, "largest= must be a size"),
        ({"largest": True}, "largest= must be a size"),
        ({"many": "yes"}, "many= must be True or False"),
        ({"expires": "1h", "default": "a.pdf"}, "can only be None"),
    ],
)
def test_options_of_an_upload_are_checked(options: dict[str, Any], words: str) -> None:
    with pytest.raises(QuestionError, match=words):
        new_question("upload", "Which?", **options)


def test_words_are_no_file() -> None:
    with pytest.raises(NoReplyError, match="asks for a file"):
        ONE_FILE.rules.read_words(ONE_FILE, "a.pdf")


ROWS = [{"name": "lamp", "count": 2, "note": None}, {"name": "", "count": 1, "note": "x"}]
TABLE = new_question("review", "Fine?", ROWS, format="table")
SENT_ROWS = {
    "text": "rows",
    "field-rows": ["0", "1"],
    "field-rows.0.name": "lamp",
    "field-rows.0.count": "2",
    "field-rows.1.count": "1",
    "field-rows.1.note": "x",
    "decision": "approved",
}


@pytest.mark.parametrize(
    ("changes", "rows"),
    [
        ({}, None),
        ({"text": ""}, None),
        ({"field-rows.0.count": "3"}, [{**ROWS[0], "count": 3}, ROWS[1]]),
        ({"field-rows": ["1"]}, [ROWS[1]]),
        ({"field-rows": []}, []),
        ({"field-rows": ["1", "0"]}, [ROWS[1], ROWS[0]]),
        ({"field-rows.1.note": ""}, [ROWS[0], {**ROWS[1], "note": None}]),
    ],
)
def test_the_rows_of_a_table_are_edited(changes: dict[str, Any], rows: Any) -> None:
    found = TABLE.read_controls(texts(SENT_ROWS | changes))

    assert found.get("text") is None if rows is None else json.loads(found["text"]) == rows
    assert TABLE.outcome_of(TABLE.check(found)) == ("approved" if rows is None else "edited")


def test_a_fault_in_a_table_names_its_field() -> None:
    with pytest.raises(AnswerError) as refusal:
        TABLE.read_controls(texts(SENT_ROWS | {"field-rows.0.count": "many"}))
    assert [one.field for one in refusal.value.faults] == ["rows.0.count"]


@pytest.mark.parametrize(
    "rows",
    [
        [{"a": {"b": 1}}],
        [{"a": 1}, {"b": 1}],
        [{"a": 1}, {"a": "x"}],
        [{"a": 1}, {"a": 1.5}],
        [{"a": True}, {"a": None}],
        [{"a": 1}] * 51,
        [{str(n): n for n in range(100)}] * 4,
    ],
)
def test_what_fields_could_not_hold_is_edited_as_json(rows: Any) -> None:
    question = new_question("review", "Fine?", rows, format="table")
    assert question.controls[0].name == "editor"
