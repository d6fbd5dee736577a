"""The kind of request that asks for several values at once, with a field for each."""

from typing import Any

from procedures.engine.errors import QuestionError
from procedures.engine.kinds.kind import Kind, Terms
from procedures.engine.values import schemas
from procedures.engine.values.spelling import short_repr


class Form(Kind):
    """A question that asks for each field of a model."""

    name = "form"

    def ask(self, prompt: str, model: Any) -> Terms:
        """Return the terms of a form.

        `model` is a Pydantic model, a dataclass or a TypedDict, whose fields have plain types.
        """
        try:
            schema = schemas.form_schema(model)
        except ValueError as error:
            raise QuestionError(f"{short_repr(prompt)}: {error} (model)") from None
        return Terms(schema, type=model)
