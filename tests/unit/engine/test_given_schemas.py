"""Forms from a JSON Schema: what each keyword takes, and what it refuses."""

from typing import Any

import pytest

from procedures.engine import Context, File, procedure
from procedures.engine.errors import AnswerError
from procedures.engine.kinds.questions import Question
from procedures.engine.values import canonical
from procedures.testing import GivenFile, run_procedure, script
from tests.unit.engine.schema_forms import PLACE, asked, form_with

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "zone": {"type": "string", "title": "Which zone?", "description": "As on the map."},
        "count": {"type": "integer", "minimum": 1, "maximum": 9, "default": 2},
        "share": {"type": ["number", "null"]},
        "day": {"type": "string", "format": "date"},
        "mail": {"type": "string", "format": "email"},
        "code": {"type": "string", "pattern": "^[A-Z]{3}$", "maxLength": 3},
        "speed": {"oneOf": [{"const": "s", "title": "By ship"}, {"const": "a"}]},
        "kinds": {"type": "array", "items": {"enum": ["x", "y"]}, "uniqueItems": True},
        "home": {"$ref": "#/$defs/Place"},
        "stops": {"type": "array", "items": {"$ref": "#/$defs/Place"}, "maxItems": 2},
        "scan": {"type": "string", "format": "binary", "accept": ["image/*"], "maxBytes": 10},
        "is_new": {"type": "boolean", "default": False},
    },
    "required": ["zone", "home"],
    "$defs": {"Place": PLACE},
}
LEAST = {"zone": "north", "home": {"city": "Ulm"}}


def test_a_form_is_made_from_a_schema() -> None:
    form = asked(SCHEMA)

    assert form.fields[:2] == ["Which zone?", "Count"]
    assert form.check(LEAST) == {**LEAST, "count": 2, "is_new": False}
    assert form.answers({"speed": "s", "home": {"city": "Ulm"}}) == [
        ("Speed", "By ship"),
        ("Home / City", "Ulm"),
    ]


@pytest.mark.parametrize(
    ("sent", "field", "message"),
    [
        ({"zone": " "}, "zone", "Write something."),
        ({"count": 10}, "count", "The answer must be at most 9."),
        ({"share": "much"}, "share", "The answer must be a number."),
        ({"day": "soon"}, "day", "The answer must be a date like 2026-12-31."),
        ({"mail": "ann"}, "mail", "The answer must be an e-mail address like ann@example.com."),
        ({"code": "eur"}, "code", "It must match ^[A-Z]{3}$."),
        ({"speed": "x"}, "speed", "Choose one of: s, a."),
        (
            {"kinds": ["x", "x"]},
            "kinds",
            "An option was chosen more than once. Choose each only once.",
        ),
        ({"home": {}}, "home.city", "This is missing."),
        ({"home": {"city": "Ulm", "zip": 1}}, "home.zip", "This isn't a field of the form."),
        ({"stops": [{"city": "Ulm"}, {"city": 5}]}, "stops.1.city", "The answer must be text."),
        ({"stops": [{"city": "Ulm"}] * 3}, "stops", "Give at most 2."),
        ({"scan": "a" * 64}, "scan", "This must be an uploaded file."),
    ],
)
def test_each_fault_of_an_answer_names_its_field(
    sent: dict[str, Any], field: str, message: str
) -> None:
    with pytest.raises(AnswerError) as refusal:
        asked(SCHEMA).check(LEAST | sent)

    assert [(one.field, one.message) for one in refusal.value.faults] == [(field, message)]


def test_the_limits_of_a_file_are_checked() -> None:
    form = asked(SCHEMA)
    picture = File("a.png", "0" * 64, 10, "image/png")

    assert form.check({**LEAST, "scan": picture})["scan"]["digest"] == "0" * 64
    for file in (
        File("a.pdf", "0" * 64, 3, "application/pdf"),
        File("b.png", "0" * 64, 11, "image/png"),
    ):
        with pytest.raises(AnswerError, match=r"Send any picture|the limit is 10 bytes"):
            form.check({**LEAST, "scan": file})


def test_the_procedure_gets_a_dict_with_files() -> None:
    @procedure
    def asks(ctx: Context) -> list[Any]:
        found = ctx.form("Where?", schema=SCHEMA).value
        return [found["home"]["city"], found["scan"].name, found["scan"].text()]

    people = script({"form": {**LEAST, "scan": GivenFile("a.png", "x")}})
    assert run_procedure(asks, humans=people).result == ["Ulm", "a.png", "x"]


def test_a_pattern_needs_time_in_proportion_to_the_text() -> None:
    """A pattern on which a backtracking matcher would never end, over the longest text."""
    form = asked(form_with(type="string", pattern="^(a+)+$", maxLength=10_000))

    with pytest.raises(AnswerError, match="It must match"):
        form.check({"it": "a" * 9_999 + "!"})


def test_the_order_of_nested_fields_is_kept() -> None:
    inner = {"type": "object", "properties": {"z": {"type": "string"}, "a": {"type": "string"}}}
    form = asked({"type": "object", "properties": {"y": inner, "b": {"type": "string"}}})

    kept = Question.from_json(canonical.value_of(canonical.text_of(form.as_json())))

    assert list(kept.schema["properties"]) == ["y", "b"]
    assert list(kept.schema["properties"]["y"]["properties"]) == ["z", "a"]
    assert kept.digest == form.digest


def test_the_help_of_a_field_is_told_instead_of_its_pattern() -> None:
    told = {"pattern": "^[A-Z]{3}$", "maxLength": 3, "description": "Three capital letters."}
    form = asked(form_with(type="string", **told))

    with pytest.raises(AnswerError, match=r"it: Three capital letters\."):
        form.check({"it": "eur"})


def test_what_was_typed_is_kept_with_the_labels_of_its_fields() -> None:
    form = asked(SCHEMA)
    sent = {
        "field-zone": ["north"],
        "field-home.city": ["Ulm"],
        "field-stops": ["0", "4", "x"],
        "field-stops.4.city": ["Bonn"],
        "field-scan": ["token"],
    }

    (fields, _) = form.controls
    assert fields.own_words(lambda name: sent.get(name, [])) == [
        "Which zone?: north",
        "Home / City: Ulm",
        "Stops 2 / City: Bonn",
    ]


@pytest.mark.parametrize(
    ("field", "keyword", "good", "bad"),
    [
        ({"type": "string", "minLength": 2}, "minLength", "ab", "a"),
        ({"type": "string", "maxLength": 2}, "maxLength", "ab", "abc"),
        ({"type": "string", "pattern": "^a", "maxLength": 9}, "pattern", "ab", "b"),
        ({"type": "string", "enum": ["a"]}, "enum", "a", "b"),
        ({"type": "string", "const": "a"}, "const", "a", "b"),
        ({"type": "string", "oneOf": [{"const": "a"}]}, "oneOf", "a", "b"),
        ({"type": "string", "format": "date"}, "format", "2026-12-31", "soon"),
        ({"type": "string", "format": "date-time"}, "format", "2026-12-31T09:30Z", "2026-12-31"),
        ({"type": "string", "format": "time"}, "format", "09:30", "9"),
        ({"type": "string", "format": "email"}, "format", "a@b.org", "a@"),
        ({"type": "string", "format": "uri"}, "format", "https://a.org/b?c", "javascript:x"),
        ({"type": "integer", "minimum": 2}, "minimum", 2, 1),
        ({"type": "integer", "maximum": 2}, "maximum", 2, 3),
        ({"type": "number", "exclusiveMinimum": 2}, "exclusiveMinimum", 2.1, 2),
        ({"type": "number", "exclusiveMaximum": 2}, "exclusiveMaximum", 1.9, 2),
        ({"type": "integer", "multipleOf": 3}, "multipleOf", 6, 7),
        ({"type": "array", "items": {"type": "string"}, "minItems": 1}, "minItems", ["a"], []),
        (
            {"type": "array", "items": {"type": "string"}, "maxItems": 1},
            "maxItems",
            ["a"],
            ["a"] * 2,
        ),
        (
            {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
            *("uniqueItems", ["a", "b"], ["a", "a"]),
        ),
        ({**PLACE, "additionalProperties": False}, "required", {"city": "Ulm"}, {}),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_each_keyword_has_its_effect(field: Any, keyword: str, good: Any, bad: Any) -> None:
    assert asked(form_with(**field)).check({"it": good}) == {"it": good}
    with pytest.raises(AnswerError):
        asked(form_with(**field)).check({"it": bad})
    without = {name: one for name, one in field.items() if name != keyword}
    assert asked(form_with(**without)).check({"it": bad}) == {"it": bad}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ({"type": ["integer", "null"]}, None),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, None),
        ({"anyOf": [PLACE, {"type": "null"}]}, None),
        ({"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}, "2026-12-31"),
    ],
)
def test_a_field_may_be_empty_if_its_schema_says_so(field: Any, value: Any) -> None:
    form = {"type": "object", "properties": {"it": field}, "required": ["it"]}

    assert asked(form).check({"it": value}) == {"it": value}
    with pytest.raises(AnswerError):
        asked(form).check({})


def test_a_duration_is_stored_in_one_way() -> None:
    form = asked(form_with(type="string", format="duration"))
    several = asked(form_with(type="array", items={"type": "string", "format": "duration"}))

    assert form.check({"it": "90 min"}) == form.check({"it": "PT90M"}) == {"it": "PT1H30M"}
    assert several.check({"it": ["1h", "PT60M"]}) == {"it": ["PT1H", "PT1H"]}


@pytest.mark.parametrize("field", [{"title": "Which?"}, {"description": "Here."}, {"default": "a"}])
def test_words_and_defaults_are_in_the_form(field: Any) -> None:
    form = asked(form_with(type="string", **field))

    assert form.schema["properties"]["it"] | field == form.schema["properties"]["it"]
    assert form.check({}) == ({"it": "a"} if "default" in field else {})


def test_marks_that_nobody_sees_are_shown_in_its_words() -> None:
    form = asked(form_with(oneOf=[{"const": "a", "title": "b\u202ec"}], description="d\u200be"))

    field = form.schema["properties"]["it"]
    assert "\u202e" not in field["labels"]["a"]
    assert "\u200b" not in field["description"]


def test_a_list_without_end_is_refused_at_once() -> None:
    form = asked(form_with(type="array", items={"type": "string"}, uniqueItems=True))

    with pytest.raises(AnswerError, match="it: The answer has 20,000 entries"):
        form.check({"it": ["a", 1] * 10_000})
