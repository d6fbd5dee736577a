"""One value: a text, a number, a date."""

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pydantic_core import SchemaError

from procedures.engine.errors import QuestionError
from procedures.engine.kinds.controls import Buttons, Control, Fields
from procedures.engine.kinds.kind import Kind, Terms
from procedures.engine.values import canonical, schemas

if TYPE_CHECKING:
    from procedures.engine.kinds.questions import Question


class Input(Kind):
    """A question for a value of a plain type."""

    name = "input"
    verb = "ask"
    held_as = "input"

    def ask(self, prompt: str, hint: Any = str) -> Terms:
        """`hint`: str, int, Decimal, bool, date, or one of these `Annotated` with constraints."""
        if getattr(hint, "__origin__", hint) not in {str, int, Decimal, bool, date}:
            raise QuestionError(f"ask() takes str, int, Decimal, bool or date, not {hint!r}.")
        try:
            types = canonical.adapter(hint)
        except SchemaError as error:
            raise QuestionError(f"{prompt!r}: {schemas.unreadable(error)}") from None
        if rules := schemas.unchecked(types.core_schema):
            raise QuestionError(f"{prompt!r}: no answer can be checked for {', '.join(rules)}.")
        schema = types.json_schema()
        schemas.complete(schema, types.core_schema)
        return Terms(schema, type=hint)

    def controls(self, question: "Question") -> list[Control]:
        if question.schema.get("type") == "boolean":
            return [Buttons(values=[(True, "Yes"), (False, "No")])]
        return [Fields(schema=question.schema), Buttons()]
