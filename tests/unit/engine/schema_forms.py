"""Forms from a JSON Schema, as tests ask them."""

from typing import Any

from procedures.engine.kinds.questions import Question, new_question

PLACE = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def asked(schema: Any) -> Question:
    return new_question("form", "Where?", schema=schema)


def form_with(**field: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"it": field}}
