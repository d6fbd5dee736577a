"""A JSON Schema that no form could have is refused by its path, also where it is too large."""

from typing import Any

import pytest

from procedures.engine.errors import QuestionError
from procedures.engine.kinds.questions import new_question
from tests.unit.engine.schema_forms import PLACE, asked, form_with


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
            (form_with(**table(100, table(100, inner))), "items.properties.it: from this ")
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
            "properties.it.items.properties.it.items.properties.it: from this field on, a new ",
        ),
        (form_with(type="array", items={"type": "string"}, minItems=2**52), "at most 10,000"),
        ({"type": "object", "properties": {}}, "properties: must have at least one field"),
        ({"type": "array", "properties": {"a": {}}}, "isn't supported for array|items"),
        (form_with(), "properties.it.type: must be one of the types"),
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
        (form_with(type="string", title=5), "properties.it.title: must be a string"),
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
        (form_with(**{"$ref": "https://example.com/schema"}), "one of the schema's own"),
        (form_with(**{"$ref": "#/properties/it"}), "one of the schema's own"),
        (form_with(**{"$ref": "#/$defs/Nothing"}), "one of the schema's own"),
        (form_with(**{"$ref": ["#/$defs/x"]}), "one of the schema's own .defs, not to "),
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


@pytest.mark.parametrize("options", [{}, {"model": PLACE, "schema": PLACE}, {"schema": None}])
def test_a_form_has_one_model_or_one_schema(options: Any) -> None:
    with pytest.raises(QuestionError, match="needs a model or schema=, but not both"):
        new_question("form", "Where?", **options)
    with pytest.raises(QuestionError, match="Pass a JSON Schema as schema="):
        new_question("form", "Where?", PLACE)
