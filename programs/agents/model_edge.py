"""The edge to pydantic-ai: messages are converted from our format to the library's, and back.

No other module imports the library. One call of the library sends one request: the library's own
loop isn't used, and neither the library nor its HTTP clients retry a request.
"""

import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from procedures.engine import EngineError, Step
from procedures.engine.values import canonical
from procedures.engine.values.canonical import legible
from programs.agents.messages import (
    Message,
    Part,
    Reply,
    TextPart,
    ThoughtPart,
    ToolCall,
    ToolResult,
    Usage,
    UserMessage,
)
from programs.agents.tools import ToolSpec

if TYPE_CHECKING:
    from pydantic_ai import messages as theirs
    from pydantic_ai.models import Model, ModelRequestParameters

NEEDED = "Agents need the package pydantic-ai-slim. Install countersign[agents]."
NO_MODEL = "Agent {name} has no model. Set model=, or AGENT_MODEL for the whole site."
OF_PROVIDER = ("id", "provider_name", "provider_details", "signature")
"""The attributes of a part of a library's message that only the model's provider reads."""


class StoppedError(EngineError):
    """The error for a request to a model, interrupted because the run is being cancelled."""


class Request:
    """One request to a model, as the argument of a step.

    A request deliberately has no JSON form. Everything in it follows from results that the journal
    contains, so a replay doesn't have to compare it.
    """

    __slots__ = ("instructions", "messages", "model", "name", "settings", "speaks", "tools")

    def __init__(  # noqa: PLR0913 (the parts of a request)
        self,
        name: str,
        model: Any,
        instructions: str,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        *,
        speaks: bool,
        settings: Mapping[str, Any],
    ) -> None:
        self.name, self.model, self.instructions = name, model, instructions
        self.messages, self.tools = messages, tools
        self.speaks, self.settings = speaks, settings


async def ask_model(request: Request, step: Step) -> Reply:
    """Send one request to the model, and return the model's reply.

    The text of the reply is written to the chat while it arrives.
    """
    from pydantic_ai.models import ModelRequestParameters  # noqa: PLC0415 (an extra)
    from pydantic_ai.tools import ToolDefinition  # noqa: PLC0415

    model = model_of(request)
    tools = [
        ToolDefinition(
            name=one.name,
            description=one.description,
            parameters_json_schema=one.parameters,
            kind="external",
        )
        for one in request.tools
    ]
    settings = {**request.settings, "max_retries": 0}
    step.spend(requests=1)
    found = await _sent(
        model,
        list(to_library(request.messages, request.instructions)),
        ModelRequestParameters(function_tools=tools),
        settings,
        request,
        step,
    )
    reply = from_library(found)
    spent = {"tokens": reply.usage.tokens}
    step.spend(**spent, **({"USD": reply.usage.cost} if reply.usage.cost else {}))
    return reply


async def _sent(
    model: "Model",
    messages: list[Any],
    parameters: "ModelRequestParameters",
    settings: Any,
    request: Request,
    step: Step,
) -> "theirs.ModelResponse":
    from pydantic_ai import direct  # noqa: PLC0415 (an extra)

    if not request.speaks or not _streams(model):
        found = await direct.model_request(
            model, messages, model_settings=settings, model_request_parameters=parameters
        )
        if request.speaks and (text := found.text):
            step.write(text)
        return found
    async with direct.model_request_stream(
        model, messages, model_settings=settings, model_request_parameters=parameters
    ) as stream:
        async for event in stream:
            if step.is_cancelled:
                raise StoppedError("The run is being cancelled.")
            if text := _text_in(event):
                step.write(text)
        return stream.get()


def _streams(model: Any) -> bool:
    """Return True if the model can stream its reply.

    Only a pydantic-ai `FunctionModel` without a streaming function can't.
    """
    return getattr(model, "stream_function", model) is not None


def _text_in(event: Any) -> str:
    """Return the text that an event of a stream adds to the reply."""
    match event.event_kind:
        case "part_start" if event.part.part_kind == "text":
            return str(event.part.content)
        case "part_delta" if event.delta.part_delta_kind == "text":
            return str(event.delta.content_delta)
    return ""


def model_of(request: Request) -> "Model":
    """Return the model for a request.

    Raises `EngineError` if neither the agent nor the site names one.
    """
    try:
        from pydantic_ai.models import infer_model  # noqa: PLC0415 (an extra)
    except ImportError:
        raise EngineError(NEEDED) from None
    named: Any = request.model or model_of_site()
    if not named:
        raise EngineError(NO_MODEL.format(name=request.name))
    is_maker = inspect.isfunction(named)
    return infer_model(named() if is_maker else named)


def model_of_site() -> str:
    """Return the setting AGENT_MODEL, the model for agents that name none; "" outside a site."""
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415

    from procedures.conf import conf  # noqa: PLC0415 (a test in memory has no site)

    try:
        return str(conf.AGENT_MODEL)
    except ImproperlyConfigured:
        return ""


def to_library(messages: Sequence[Message], instructions: str) -> Iterator[Any]:
    """Yield our messages, converted to messages of the library."""
    from pydantic_ai import messages as theirs  # noqa: PLC0415 (an extra)

    for one in messages:
        if isinstance(one, Reply):
            yield theirs.ModelResponse(
                parts=[_their_part(part) for part in one.parts], model_name=one.model
            )
            continue
        parts = (
            [theirs.UserPromptPart(one.text)]
            if isinstance(one, UserMessage)
            else [_their_result(result) for result in one.results]
        )
        yield theirs.ModelRequest(parts=parts, instructions=instructions or None)


def _their_part(part: Part) -> Any:
    from pydantic_ai import messages as theirs  # noqa: PLC0415 (an extra)

    if isinstance(part, TextPart):
        return theirs.TextPart(part.text, **_known_fields(theirs.TextPart, part))
    if isinstance(part, ThoughtPart):
        return theirs.ThinkingPart(part.text, **_known_fields(theirs.ThinkingPart, part))
    arguments, kept = part.malformed or part.arguments, _known_fields(theirs.ToolCallPart, part)
    return theirs.ToolCallPart(part.tool, arguments, tool_call_id=part.id, **kept)


def _known_fields(kind: Any, part: Part) -> dict[str, Any]:
    """Return the provider's data for a part, without fields that this version of the library lacks.

    Another version, with more fields, may have received the part. Providers also accept messages
    in which such fields are missing.
    """
    known = {one.name for one in fields(kind)}
    return {name: value for name, value in part.of_provider.items() if name in known}


def _their_result(result: ToolResult) -> Any:
    from pydantic_ai import messages as theirs  # noqa: PLC0415 (an extra)

    content = result.content
    if result.note:
        content = {"result": content, "note": result.note}
    outcome = {"done": "success", "failed": "failed", "denied": "denied"}[result.outcome]
    return theirs.ToolReturnPart(
        result.tool,
        content,
        tool_call_id=result.call,
        outcome=outcome,  # type: ignore[arg-type]  # one of its literals
    )


def from_library(found: "theirs.ModelResponse") -> Reply:
    """Return a reply of the library, converted to our `Reply`.

    Unknown kinds of parts are left out.
    """
    usage = found.usage
    price = _price_of(found)
    return Reply(
        parts=tuple(_our_parts(found.parts)),
        model=found.model_name or "",
        usage=Usage(
            requests=1,
            input_tokens=usage.input_tokens or 0,
            output_tokens=usage.output_tokens or 0,
            cost=price or Decimal(0),
            unpriced=int(price is None),
        ),
        finish=found.finish_reason or "",
    )


def _our_parts(parts: Sequence[Any]) -> Iterator[Part]:
    for one in parts:
        given = ((name, getattr(one, name, None)) for name in OF_PROVIDER)
        kept = {name: value for name, value in given if value is not None}
        match one.part_kind:
            case "text":
                yield TextPart(text=legible(one.content), of_provider=kept)
            case "thinking":
                yield ThoughtPart(text=legible(one.content), of_provider=kept)
            case "tool-call":
                arguments, malformed = _arguments_in(one.args)
                yield ToolCall(
                    id=legible(one.tool_call_id),
                    tool=legible(one.tool_name),
                    arguments=arguments,
                    malformed=malformed,
                    of_provider=kept,
                )


def _arguments_in(given: Any) -> tuple[dict[str, Any], str]:
    """Return the arguments of a call as a dict, and "".

    If they aren't a JSON object that can be stored, return {} and the arguments' text instead.
    """
    if given is None or given == "":
        return {}, ""
    try:
        read = json.loads(given) if isinstance(given, str) else given
        canonical.text_of(read)
    except (RecursionError, TypeError, ValueError):
        return {}, legible(str(given))
    return (read, "") if isinstance(read, dict) else ({}, legible(str(given)))


def _price_of(found: "theirs.ModelResponse") -> Decimal | None:
    """Return the price of a reply in US dollars, or None if the library doesn't know it."""
    try:
        return Decimal(found.cost().total_price)
    except (AssertionError, LookupError, ValueError):
        return None
