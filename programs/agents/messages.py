"""The messages between a program, a model and tools, in a format of our own.

Journals contain messages in this format. The format has a version. `model_edge` converts messages
to and from the format of the library that talks to models. So messages can be read even if a newer
version of the library is installed than when they were stored.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

FROZEN = ConfigDict(frozen=True, extra="forbid")
FOREIGN = (
    "another release has stored this reply of a model ({faults}). Deploy that release again and"
    " retry the run, or fork the run from before this step, which asks the model again."
)


class TextPart(BaseModel):
    """Text that a model wrote."""

    model_config = FROZEN
    kind: Literal["text"] = "text"
    text: str
    of_provider: dict[str, Any] = {}
    """Data of the model's provider, to be sent back to the provider in the next request."""


class ThoughtPart(BaseModel):
    """A thought that a model wrote before its reply. It has to be sent back in the next request."""

    model_config = FROZEN
    kind: Literal["thought"] = "thought"
    text: str
    of_provider: dict[str, Any] = {}


class ToolCall(BaseModel):
    """A tool call that a model requests."""

    model_config = FROZEN
    kind: Literal["call"] = "call"
    id: str
    tool: str
    arguments: dict[str, Any] = {}
    malformed: str = ""
    """The text of the arguments if the model didn't write a JSON object; else ""."""
    of_provider: dict[str, Any] = {}


Part = Annotated[TextPart | ThoughtPart | ToolCall, Field(discriminator="kind")]


class Usage(BaseModel):
    """The number, the tokens and the price of one or more requests to models."""

    model_config = FROZEN
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal = Decimal(0)
    """The price in US dollars of all requests whose price is known."""
    unpriced: int = 0
    """The number of requests whose price isn't known."""

    @property
    def tokens(self) -> int:
        """The number of tokens: those that models read and those that they wrote."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: "Usage") -> "Usage":
        """Return the sum of two usages."""
        mine, others = self.model_dump(), other.model_dump()
        return Usage(**{name: mine[name] + others[name] for name in mine})


class UserMessage(BaseModel):
    """Text for the model, from the program or from a person."""

    model_config = FROZEN
    kind: Literal["user"] = "user"
    text: str


class Reply(BaseModel):
    """A model's reply to one request, which contains text and calls of tools."""

    model_config = FROZEN
    kind: Literal["reply"] = "reply"
    version: Literal[1] = 1
    parts: tuple[Part, ...]
    model: str
    usage: Usage = Usage()
    finish: str = ""
    """The reason why the model stopped writing, such as "stop" or "length"; "" if not known."""

    @model_validator(mode="wrap")
    @classmethod
    def _check_release(cls, value: Any, read: Callable[[Any], "Reply"]) -> "Reply":
        """Read a stored reply.

        If the reply has the format of another release, raise an error that names a remedy.
        """
        try:
            return read(value)
        except ValidationError as error:
            found = "; ".join(
                f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()
            )
            raise PydanticCustomError("another_release", FOREIGN, {"faults": found}) from None

    @property
    def text(self) -> str:
        """The text of the reply, without thoughts."""
        return "".join(one.text for one in self.parts if isinstance(one, TextPart))

    @property
    def calls(self) -> list[ToolCall]:
        """The calls of tools, in the model's order."""
        return [one for one in self.parts if isinstance(one, ToolCall)]


class ToolResult(BaseModel):
    """The result of a tool call, in the form in which the model reads it."""

    model_config = FROZEN
    call: str
    """The id of the tool call."""
    tool: str
    outcome: Literal["done", "failed", "denied"] = "done"
    content: Any = None
    """The result as plain JSON, or a sentence about what went wrong."""
    note: str = ""
    """A sentence that says what people changed in the call, or which rule allowed it; or ""."""


class ToolResults(BaseModel):
    """The results of all tool calls of one reply, which the model reads next."""

    model_config = FROZEN
    kind: Literal["results"] = "results"
    results: tuple[ToolResult, ...]


Message = Annotated[UserMessage | Reply | ToolResults, Field(discriminator="kind")]
