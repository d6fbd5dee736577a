"""Forms from a JSON Schema: what the subset takes, and what it refuses, by its path."""

from typing import Any

import pytest

from procedures.engine import Context, File, procedure
from procedures.engine.errors import AnswerError, QuestionError
from procedures.engine.kinds.questions import Question, new_question
from procedures.engine.values import canonical
from procedures.testing import Given, run_procedure, script

PLACE = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
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


def asked(schema: Any) -> Question:
    return new_question("form", "Where?", schema=schema)


def form_with(**field: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"it": field}}


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
        ({"kinds": ["x", "x"]}, "kinds", "Choose each option once."),
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
        with pytest.raises(AnswerError, match=r"Send image/\*|the limit is 10 bytes"):
            form.check({**LEAST, "scan": file})


def test_the_procedure_gets_a_dict_with_files() -> None:
    @procedure
    def asks(ctx: Context) -> list[Any]:
        found = ctx.form("Where?", schema=SCHEMA).value
        return [found["home"]["city"], found["scan"].name, found["scan"].text()]

    people = script({"form": {**LEAST, "scan": Given("a.png", "x")}})
    assert run_procedure(asks, humans=people).result == ["Ulm", "a.png", "x"]


def nested(levels: int) -> dict[str, Any]:
    one: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        one = {"type": "object", "properties": {"in": one}}
    return one


def chain(length: int) -> dict[str, Any]:
    """References that lead to each other, one after another."""
    links = {f"L{n}": {"$ref": f"#/$defs/L{n + 1}"} for n in range(length)}
    return form_with(**{"$ref": "#/$defs/L0"}) | {"$defs": links | {f"L{length}": {}}}


def bomb(levels: int) -> dict[str, Any]:
    """References that double at each level, as a few lines that would unfold without end."""
    defs = {
        f"L{level}": {
            "type": "object",
            "properties": {
                "a": {"$ref": f"#/$defs/L{level + 1}"},
                "b": {"$ref": f"#/$defs/L{level + 1}"},
            },
        }
        for level in range(levels)
    }
    return {**defs["L0"], "$defs": {**defs, f"L{levels}": {"type": "string"}}}


def table(rows: int, inner: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a list that begins with so many rows of one field."""
    return {"type": "array", "items": form_with(**inner), "minItems": rows, **more}


def test_a_form_begins_with_five_hundred_fields_and_rows_at_most() -> None:
    lines = table(83, {"type": "string"})
    lines["items"]["properties"] |= {str(n): {"type": "string"} for n in range(4)}

    assert asked(form_with(**lines)).fields == ["It"]  # a list, and 83 rows of 5 fields
    with pytest.raises(QuestionError, match="more than 500 fields and rows"):
        asked(form_with(**lines | {"minItems": 84}))


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "object"}, "A form needs a JSON Schema"),
        ([], "A form needs a JSON Schema"),
        ("x", "A form needs a JSON Schema"),
        *(
            (form_with(**table(100, table(100, inner))), "items.properties.it: with it, ")
            # Rows without a field count too: each has a button and a key of its own.
            for inner in ({"type": "string"}, table(0, {"type": "string"}))
        ),
        (
            form_with(**table(251, {"type": "string"})),
            "properties.it.minItems: must be at most 100",
        ),
        (
            form_with(**table(2**52, {"type": "string"})),
            "properties.it.minItems: must be at most 1",
        ),
        (
            form_with(**table(0, table(0, {"type": "string"}), default=[{"it": [{}] * 60}] * 9)),
            "properties.it.items.properties.it.items.properties.it: with it, a new form has more ",
        ),
        (form_with(type="array", items={"type": "string"}, minItems=2**52), "at most 10,000"),
        ({"type": "object", "properties": {}}, "properties: must have at least one field"),
        ({"type": "array", "properties": {"a": {}}}, "isn't supported for array|items"),
        (form_with(), "properties.it.type: needs one type of"),
        (form_with(type="null"), "properties.it.type"),
        (form_with(type=["string", "integer"]), "properties.it.type"),
        (form_with(type="string", format="hostname"), "properties.it.format: can't be 'hostname'"),
        (
            form_with(type="string", contentEncoding="base64"),
            "properties.it.contentEncoding: isn't",
        ),
        (form_with(type="string", enum=[]), "properties.it.enum: must be a list"),
        (
            form_with(type="string", enum=["a", "a"]),
            "properties.it.enum.1: is empty, appears twice",
        ),
        (form_with(type="integer", enum=[1, "2"]), "properties.it.enum.1: isn't a valid value"),
        (form_with(type="string", minLength=5, maxLength=2), "properties.it.maxLength: is less"),
        (form_with(type="string", maxLength=-1), "properties.it.maxLength: can't be -1"),
        (form_with(type="string", maxLength=True), "properties.it.maxLength: can't be True"),
        (form_with(type="integer", minimum=5, maximum=2), "properties.it.maximum: is less"),
        (form_with(type="integer", multipleOf=0), "properties.it.multipleOf: can't be 0"),
        (form_with(type="string", default=5), "properties.it.default: isn't a valid answer"),
        (form_with(type="string", title=5), "properties.it.title: must be a text"),
        (form_with(type="array"), "properties.it.items: is missing"),
        (
            form_with(type="array", items={"type": "array", "items": {"type": "string"}}),
            "a list of array",
        ),
        (form_with(type="array", items=PLACE, uniqueItems=True), "properties.it.uniqueItems"),
        (form_with(type="string", pattern="(a+)+$", maxLength=99_999), "needs a maxLength"),
        (form_with(type="string", pattern="(?=a)", maxLength=9), "can be matched safely"),
        (form_with(type="string", pattern=r"(a)\1", maxLength=9), "can be matched safely"),
        (
            form_with(type="string", pattern="(x{1000}){1000}", maxLength=9),
            "can be matched safely",
        ),
        (form_with(type="string", pattern="a" * 201, maxLength=9), "at most 200 characters"),
        (form_with(**{"$ref": "https://example.com/schema"}), "must be one of its own"),
        (form_with(**{"$ref": "#/properties/it"}), "must be one of its own"),
        (form_with(**{"$ref": "#/$defs/Nothing"}), "must be one of its own"),
        (form_with(**{"$ref": ["#/$defs/x"]}), "must be one of its own"),
        (form_with(**{"$dynamicRef": "#x", "type": "string"}), "dynamicRef: isn't supported"),
        (form_with(allOf=[{"type": "string"}]), "properties.it.type"),
        (
            form_with(anyOf=[{"type": "string"}, {"type": "integer"}]),
            "properties.it.anyOf: can only",
        ),
        (form_with(type="string", **{"if": {}}), "properties.it.if: isn't supported"),
        (
            form_with(type="object", properties={"a": {"type": "string"}}, patternProperties={}),
            "patternProperties",
        ),
        (
            form_with(
                type="object", properties={"a": {"type": "string"}}, additionalProperties=True
            ),
            "must be false",
        ),
        (
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["b"]},
            "required: names 'b'",
        ),
        (
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": "a"},
            "required: must be a list",
        ),
        ({"type": "object", "properties": ["a"]}, "properties: must be an object"),
        ({"type": "object", "properties": {" ": {"type": "string"}}}, "printable"),
        ({"type": "object", "properties": {"a\u202eb": {"type": "string"}}}, "printable"),
        (
            {"type": "object", "properties": {"a" * 101: {"type": "string"}}},
            "more than 100 characters",
        ),
        (
            {
                "type": "object",
                "properties": {"a": {"$ref": "#/$defs/A"}},
                "$defs": {"A": {"$ref": "#/$defs/A"}},
            },
            "refers to itself",
        ),
        (
            {"type": "object", "properties": {"a": {"type": "string"}}, "$defs": 5},
            "defs: must be an object",
        ),
        (
            {"type": "object", "properties": {str(n): {"type": "string"} for n in range(101)}},
            "more than 100 fields",
        ),
        (form_with(enum=[str(n) for n in range(501)]), "more than 500 options"),
        (form_with(type="string", description="x" * 70_000), "the limit is 65,536"),
        (form_with(enum=["a", "A "]), "two options that look alike"),
        (form_with(oneOf=[{"const": "a", "title": "x"}, {"const": "x"}]), "look alike: 'X'"),
        (form_with(enum=["a\u202eb"]), "invisible characters"),
        (chain(2_000), "more than 8 references"),
        (nested(8), "more than 8 levels"),
        (bomb(7), "more than 100 fields"),
        ({**form_with(type="string"), "x": object()}, "can't be stored"),
    ],
)
def test_what_no_form_could_have_is_refused_by_its_path(schema: Any, words: str) -> None:
    with pytest.raises(QuestionError, match=words):
        asked(schema)


def test_a_schema_within_its_limits_is_taken() -> None:
    assert asked(nested(7)).check({"in": {"in": {"in": {"in": {"in": {"in": {"in": "x"}}}}}}})
    assert (
        len(
            asked(
                {"type": "object", "properties": {str(n): {"type": "string"} for n in range(100)}}
            ).fields
        )
        == 100
    )
    assert asked(form_with(enum=[str(n) for n in range(500)])).check({"it": "499"})


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


@pytest.mark.parametrize("options", [{}, {"model": PLACE, "schema": PLACE}, {"schema": None}])
def test_a_form_has_one_model_or_one_schema(options: Any) -> None:
    with pytest.raises(QuestionError, match="needs a model or schema=, but not both"):
        new_question("form", "Where?", **options)
    with pytest.raises(QuestionError, match="A JSON Schema is given as schema="):
        new_question("form", "Where?", PLACE)
