"""The kind of request that asks for one value, such as a text, a number or a date."""

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

from procedures.engine.errors import QuestionError
from procedures.engine.kinds.controls import Buttons, Control, Fields
from procedures.engine.kinds.kind import Kind, Terms
from procedures.engine.values import schemas
from procedures.engine.values.inspection import inspect_type, unserved
from procedures.engine.values.served import adapter
from procedures.engine.values.spelling import short_repr

if TYPE_CHECKING:
    from procedures.engine.kinds.questions import Question


class Input(Kind):
    """A question that asks for a value of a plain type."""

    name = "input"
    verb = "ask"
    held_as = "input"

    def ask(self, prompt: str, hint: Any = str) -> Terms:
        """Return the terms of a question for a value of type `hint`.

        The type is str, int, Decimal, bool or date, or one of these in `Annotated` with
        constraints.
        """
        plain = get_args(hint)[0] if get_origin(hint) is Annotated else hint
        if not any(plain is one for one in (str, int, Decimal, bool, date)):
            words = f"hint= must be str, int, Decimal, bool or date, not {short_repr(hint)}"
            raise QuestionError(f"{short_repr(prompt)}: {words}.")
        if why := unserved(hint):
            raise QuestionError(f"{short_repr(prompt)}: hint= can't be {short_repr(hint)}: {why}.")
        types = adapter(hint)
        if rules := schemas.unchecked(inspect_type(types)):
            words = f"answers can't be checked against {', '.join(rules)}, which hint= has"
            raise QuestionError(f"{short_repr(prompt)}: {words}.")
        schema = types.json_schema()
        schemas.complete(schema, inspect_type(types))
        return Terms(schema, type=hint)

    def controls(self, question: "Question") -> list[Control]:
        if question.schema.get("type") == "boolean":
            return [Buttons(values=[(True, "Yes"), (False, "No")])]
        return [Fields(schema=question.schema), Buttons()]
