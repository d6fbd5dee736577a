"""The kind of request that asks for several values in one form, with a field for each."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from procedures.engine.errors import QuestionError
from procedures.engine.kinds.kind import Kind, Terms
from procedures.engine.values.attachments import with_files
from procedures.engine.values.given_schemas import given_form_schema
from procedures.engine.values.model_schemas import form_schema
from procedures.engine.values.spelling import short_repr

if TYPE_CHECKING:
    from procedures.engine.kinds.questions import Question


class Form(Kind):
    """A question whose answer is an object; the form has a field for each property."""

    name = "form"

    def ask(
        self, prompt: str, model: Any = None, *, schema: Mapping[str, Any] | None = None
    ) -> Terms:
        """Return the `Terms` of a form.

        The answer is described either by `model`, which is a Pydantic model, a dataclass or a
        TypedDict, or by `schema`, which is a JSON Schema.
        """
        return form_terms(prompt, model, schema)

    def result_of(self, question: "Question", value: Any) -> tuple[Any, str]:
        """Return the answer, with a `File` for each stored file, and "" as the decision."""
        return with_files(value, question.schema), ""


def form_terms(prompt: str, model: Any, schema: Mapping[str, Any] | None) -> Terms:
    """Return the `Terms` of a form that a model or a JSON Schema describes.

    Raises `QuestionError` if both are given, if neither is, or if the one given can't be shown as a
    form.
    """
    if (model is None) == (schema is None):
        words = "a form needs a model or schema=, but not both"
        raise QuestionError(f"{short_repr(prompt)}: {words}.")
    try:
        if schema is not None:
            return Terms(given_form_schema(schema))
        return Terms(form_schema(model), type=model)
    except ValueError as error:
        of = "model" if schema is None else "schema="
        raise QuestionError(f"{short_repr(prompt)}: {error} ({of})") from None
