"""The waits of programs: for people, for events, for times, and for runs of other programs."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from procedures.engine import (
    Context,
    DefinitionError,
    Handle,
    Procedure,
    Received,
    RequestOptions,
    Response,
    SignalOptions,
)
from programs.effects.names import engine_name, procedure_name
from programs.effects.visits import EffectError

OF_REQUEST = tuple(one for one in RequestOptions.__annotations__ if one != "name")
OF_SIGNAL = tuple(SignalOptions.__annotations__)
LONGEST_PROMPT = 200
ANSWER = "response"
"""The name under which the result of a question contains the answer."""
Payload = Mapping[str, Any]


def needed(payload: Payload, name: str, kind: str) -> str:
    """Return the value with this name in the payload, as text.

    Raises `EffectError` if the value is missing, empty, a list or a mapping.
    """
    value = payload.get(name)
    if not value:
        raise EffectError(f"The effect {kind} needs {name!r} in its payload.")
    if isinstance(value, Mapping | list):
        raise EffectError(f"{name} of the effect {kind} must be a string, not {value!r:.80}.")
    return str(value)


# People


def ask(ctx: Context, node: str, payload: Payload, options: Mapping[str, Any]) -> dict[str, Any]:
    """Ask people, wait for their answer, and return the answer in the form of a result."""
    prompt, body = parted(needed(payload, "prompt", "ask_user"))
    asking = {"name": engine_name(node), **options}
    asking |= {name: payload[name] for name in OF_REQUEST if name in payload}
    if body:
        asking.setdefault("body", body)
    return answered(_asked(ctx, prompt, payload, asking))


def _asked(ctx: Context, prompt: str, payload: Payload, asking: dict[str, Any]) -> Response[Any]:
    if not (choices := _checked_choices(payload)):
        return ctx.ask(prompt, **asking)
    others = bool(payload.get("allow_free_text", True))
    return ctx.choose(prompt, choices, other=others, **asking)


def choices_of(payload: Payload) -> list[str]:
    return [str(one) for one in payload.get("choices") or ()]


def _checked_choices(payload: Payload) -> list[str]:
    """Return the choices of a question. Raises `EffectError` if they aren't a list of texts."""
    choices = payload.get("choices") or []
    if not isinstance(choices, list) or any(isinstance(one, Mapping | list) for one in choices):
        words = "choices of the effect ask_user must be a list of strings"
        raise EffectError(f"{words}, not {choices!r:.80}.")
    return choices_of(payload)


def answered(response: Response[Any]) -> dict[str, Any]:
    return answer_of(response.value, response.responder, timed_out=response.timed_out)


def answer_of(value: Any, responder: str | None, *, timed_out: bool) -> dict[str, Any]:
    """Return the result of a question, which contains the answer and the responder.

    For a default after a deadline, the result has `timed_out` instead of the responder.
    """
    if timed_out:
        return {ANSWER: value, "timed_out": True}
    return {ANSWER: value, "responder": responder}


def parted(text: str) -> tuple[str, str]:
    """Return the prompt and the body of a question: the first line of a text, and all other lines.

    If the first line is too long for a prompt, the prompt is cut, and the body is the whole text.
    """
    first, _, rest = text.strip().partition("\n")
    if len(first) <= LONGEST_PROMPT:
        return first, rest.strip()
    return f"{first[: LONGEST_PROMPT - 1]}…", text.strip()


# Events


def event_key(payload: Payload, kind: str) -> str:
    """Return the key of an event: `wait_key` in the payload, or if that is missing, `name`."""
    name = "wait_key" if payload.get("wait_key") or "name" not in payload else "name"
    return needed(payload, name, kind)


def wait_for_event(ctx: Context, key: str, options: Mapping[str, Any]) -> Any:
    """Wait for an event, and return its payload."""
    received: Received[Any] = ctx.signal(engine_name(key), **{"reason": key, **options}).wait()
    return received.value


def emit(ctx: Context, payload: Payload, *, by: Mapping[str, Any], to: list[str]) -> dict[str, Any]:
    """Send an event to other runs; return a result that contains the ids of these runs."""
    name, scope = needed(payload, "name", "emit_event"), str(payload.get("scope") or "session")
    if scope != "session":
        raise EffectError(
            f"An event can't have the scope {scope!r}. It reaches the runs that this run has "
            "started and the one that started it; leave the scope out."
        )
    event = {"name": name, "payload": payload.get("payload") or {}, "emitter": dict(by)}
    for run in to:
        ctx.send(run, engine_name(event_key(payload, "emit_event")), event)
    return {"name": name, "delivered_to": to}


# Time


def wait_until(ctx: Context, node: str, payload: Payload) -> dict[str, Any]:
    """Wait until a time, given in ISO format. A time without an offset is in UTC."""
    until = needed(payload, "until", "wait_until")
    try:
        moment = datetime.fromisoformat(until)
    except ValueError:
        raise EffectError(f"{until!r:.50} isn't a time in ISO format.") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    ctx.sleep_until(moment, reason=str(payload.get("reason") or node))
    return woken(until)


def woken(until: str) -> dict[str, Any]:
    return {"until": until, "ready": True}


# Other programs


def start(
    ctx: Context, payload: Payload, workflows: Mapping[str, Procedure], who: Mapping[str, str]
) -> Handle[Any]:
    """Start a run of another program.

    With `async` in the payload, the new run continues after this run has ended. Otherwise the new
    run is cancelled when this run ends.
    """
    workflow_id = needed(payload, "workflow_id", "start_subworkflow")
    code: Procedure | str = workflows.get(workflow_id) or procedure_name(workflow_id)
    values: dict[str, Any] = payload.get("vars") or {}
    given: dict[str, Any] = {"vars": values, **who}
    if isinstance(code, Procedure) and "vars" not in code.schema.get("properties", {}):
        given = values
    on_end: Any = "abandon" if payload.get("async") else "cancel"
    try:
        return ctx.spawn(code, on_parent_end=on_end, **given)
    except DefinitionError as error:
        raise EffectError(f"The program {workflow_id!r} was not found: {error}") from None


def started(run_id: str | None, *, output: Any = None, later: bool = False) -> dict[str, Any]:
    """Return the result of starting a run of another program."""
    return {"sub_run_id": run_id, **({"async": True} if later else {"output": output})}
