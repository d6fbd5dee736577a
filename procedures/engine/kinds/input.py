"""The kind of request that asks for one value, such as text, a number or a date."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

from procedures.engine.errors import QuestionError
from procedures.engine.kinds.controls import Buttons, Control, Fields
from procedures.engine.kinds.kind import Kind, Terms
from procedures.engine.values import model_schemas
from procedures.engine.values.inspection import inspect_type, unserved
from procedures.engine.values.schemas import format_value
from procedures.engine.values.served import adapter
from procedures.engine.values.spelling import short_repr

if TYPE_CHECKING:
    from procedures.engine.kinds.questions import Question

PLAIN = (str, int, float, Decimal, bool, date, datetime, time, timedelta)
INSTEAD = "Use ctx.choose for options, ctx.form for several values, and ctx.upload for files."
NAMES = "str, int, float, Decimal, bool, date, datetime, time or timedelta"


class Input(Kind):
    """A question that asks for one value of a simple type, such as a number or a date."""

    name = "input"
    verb = "ask"
    held_as = "input"

    def ask(self, prompt: str, hint: Any = str) -> Terms:
        """Return the `Terms` of a question whose answer has the type `hint`.

        `hint` is str, int, float, Decimal, bool, date, datetime, time or timedelta, or `Annotated`
        with one of these types and constraints, such as `Annotated[Decimal, Currency("EUR")]`.
        """
        plain = get_args(hint)[0] if get_origin(hint) is Annotated else hint
        if not any(plain is one for one in PLAIN):
            words = f"hint= must be {NAMES}, not {short_repr(hint)}"
            raise QuestionError(f"{short_repr(prompt)}: {words}. {INSTEAD}")
        if why := unserved(hint):
            raise QuestionError(f"{short_repr(prompt)}: hint= can't be {short_repr(hint)}: {why}.")
        types = adapter(hint)
        if rules := model_schemas.unchecked(inspect_type(types)):
            words = f"hint= has constraints that aren't supported for answers: {', '.join(rules)}"
            raise QuestionError(f"{short_repr(prompt)}: {words}.")
        schema = types.json_schema()
        model_schemas.complete(schema, inspect_type(types))
        return Terms(schema, type=hint)

    def label_of(self, question: "Question", value: Any) -> str:
        is_said_by_buttons = isinstance(value, bool)
        if is_said_by_buttons:
            return super().label_of(question, value)
        return format_value(value, question.schema)

    def controls(self, question: "Question") -> list[Control]:
        if question.schema.get("type") == "boolean":
            return [Buttons(values=[(True, "Yes"), (False, "No")])]
        return [Fields(schema=question.schema), Buttons()]
