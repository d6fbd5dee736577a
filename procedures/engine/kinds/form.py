"""Several things at once: a field for each."""

from typing import Any

from procedures.engine.errors import QuestionError
from procedures.engine.kinds.kind import Kind, Terms
from procedures.engine.values import schemas


class Form(Kind):
    """A question for the fields of a model."""

    name = "form"

    def ask(self, prompt: str, model: Any) -> Terms:
        """`model`: a Pydantic model, a dataclass or a TypedDict of plain fields."""
        try:
            schema = schemas.form_schema(model)
        except ValueError as error:
            raise QuestionError(f"{prompt!r}: {error}") from None
        return Terms(schema, type=model)
