"""Calls of tools: as steps, as child runs or in the procedure, some of them after an approval."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from procedures.engine import (
    Bound,
    ChildFailedError,
    Context,
    InputError,
    Outcome,
    PublicError,
    QuestionError,
    RequestExpiredError,
    Response,
    SignalError,
    SizeError,
    StepFailedError,
)
from programs.agents.agent import Agent, names_of
from programs.agents.messages import ToolCall, ToolResult
from programs.agents.tools import ArgumentsError, Rule, Tool, ToolSpec, fill_prompt

EXPECTED = (
    ChildFailedError,
    InputError,
    PublicError,
    QuestionError,
    RequestExpiredError,
    SignalError,
    SizeError,
    StepFailedError,
)
"""Errors of tools that are reported to the model, which can react to them.

Among them are those about values that a tool passes on, such as a question that is too long. All
other errors fail the run.
"""
LONGEST_PROMPT = 200


@dataclass(frozen=True)
class Toolbox:
    """The tools of one conversation: the descriptions for the model, and the code of each tool."""

    specs: Sequence[ToolSpec]
    tools: dict[str, Tool]


class ApprovalRuling(BaseModel):
    """The decision of an `auto_approve` rule about one call."""

    is_allowed: bool
    reason: str = ""
    rule: str = ""
    """The name of the rule's function."""


@dataclass(frozen=True)
class Permission:
    """The permission for a call: its arguments, a note for the model, and people's approval."""

    arguments: dict[str, Any]
    note: str = ""
    response: Response[Any] | None = None
    """The people's response that approved the call; None if no people were asked."""


class DeniedCallError(Exception):
    """The error for a call that people have denied. The model reads the error's message."""


def do_calls(
    ctx: Context, agent: Agent, tools: Toolbox, calls: Sequence[ToolCall]
) -> list[ToolResult]:
    """Do the tool calls of one reply, and return the results in the order of the calls.

    Unless `agent.at_once` is False, each call runs as a branch, so that each approval delays only
    one call.
    """
    if len(calls) == 1 or not agent.at_once:
        return [_result(ctx, agent, tools, one) for one in calls]
    return ctx.gather(*(_branch(agent, tools, one) for one in calls))


def _branch(agent: Agent, tools: Toolbox, call: ToolCall) -> Callable[[Context], ToolResult]:
    def branch(inner: Context) -> ToolResult:
        return _result(inner, agent, tools, call)

    # A branch is named after its function; the engine numbers branches with the same name.
    branch.__name__ = call.tool.replace("-", "_") if call.tool in tools.tools else "unknown_tool"
    return branch


def _result(ctx: Context, agent: Agent, tools: Toolbox, call: ToolCall) -> ToolResult:
    """Do a call and return its result.

    If the call is invalid or denied, or fails with an error in `EXPECTED`, the result says so.
    """
    payload = {"call": call.id, "tool": call.tool}
    tool = tools.tools.get(call.tool)
    if tool is None:
        words = f"There is no tool {call.tool!r}. The tools are {names_of(tools.tools.values())}."
        return ToolResult(**payload, outcome="failed", content=words)
    try:
        given = _read(tool, call)
        permission = _permission(ctx, agent, tool, call, given)
        content = to_jsonable_python(_run_tool(ctx, tool, permission), serialize_unknown=True)
    except ArgumentsError as error:
        return ToolResult(**payload, outcome="failed", content=f"Invalid arguments: {error}")
    except DeniedCallError as denied:
        return ToolResult(**payload, outcome="denied", content=str(denied))
    except EXPECTED as error:
        return ToolResult(**payload, outcome="failed", content=f"The tool failed: {error}")
    return ToolResult(**payload, content=content, note=permission.note)


def _read(tool: Tool, call: ToolCall) -> dict[str, Any]:
    if call.malformed:
        raise ArgumentsError(f"{call.malformed:.200} is not a JSON object.")
    return tool.read(call.arguments)


def _run_tool(ctx: Context, tool: Tool, permission: Permission) -> Any:
    """Run the tool with the arguments that the permission allows, and return the tool's result."""
    given = permission.arguments
    if tool.is_child:
        return ctx.call(tool.run, **given)  # type: ignore[arg-type]  # a procedure, as checked
    if tool.is_in_body:
        return tool.run(**{tool.context_parameter: ctx}, **given)
    if permission.response is None:
        return ctx.step(partial(tool.run, **given), **_options_of(tool))
    return ctx.step(_bound(ctx, tool, given), approved_by=permission.response)


def _bound(ctx: Context, tool: Tool, given: dict[str, Any]) -> Bound[Any]:
    # A partial, because an argument may have the name of an option, such as `name`.
    return ctx.bind(partial(tool.run, **given), **_options_of(tool))


def _options_of(tool: Tool) -> dict[str, Any]:
    return {"shown": True, **tool.options, "name": tool.name}


# Permission


def _permission(
    ctx: Context, agent: Agent, tool: Tool, call: ToolCall, given: dict[str, Any]
) -> Permission:
    """Return the permission for a call. Raises `DeniedCallError` if people deny the call."""
    if not tool.needs:
        return Permission(given)
    if tool.auto_approve:
        ruling = ctx.step(rule_on, call, tool.auto_approve, name=f"{tool.name} rule")
        if ruling.is_allowed:
            return Permission(given, note=f"Allowed by rule: {ruling.reason or ruling.rule}")
    response = _ask_people(ctx, agent, tool, call, given)
    if not response:
        raise DeniedCallError(_denial(response))
    if response.value is None:
        return Permission(given, response=response)
    arguments = _changed_arguments(tool, response.value)
    note = _note_of_changes(call.arguments, to_jsonable_python(response.value), response)
    return Permission(arguments, note=note, response=response)


def rule_on(call: ToolCall, rule: Rule) -> ApprovalRuling:
    """Return the decision of a rule about a call.

    This function is a step, so the decision is recorded.
    """
    verdict = rule(call)
    name = getattr(rule, "__name__", type(rule).__name__)
    if not isinstance(verdict, bool | str):  # the coroutine of an `async` rule, say, which is true
        raise TypeError(
            f"The rule {name} must return True, False or a reason, not {verdict!r:.100}."
        )
    return ApprovalRuling(
        is_allowed=bool(verdict), reason=verdict if isinstance(verdict, str) else "", rule=name
    )


def _ask_people(
    ctx: Context, agent: Agent, tool: Tool, call: ToolCall, given: dict[str, Any]
) -> Response[Any]:
    """Ask people whether the call may be made. The exact arguments are its evidence."""
    evidence: Any = _evidence_of(tool, call)
    shown = call.arguments
    if tool.is_step:
        evidence = _bound(ctx, tool, given).as_evidence()
        shown = evidence if tool.model else evidence["arguments"]
    names = (tool.parameters.get("properties") or {}).keys()
    values = {name: one for name, one in shown.items() if name in names}
    asking: dict[str, Any] = {"name": f"approve {tool.name}", "evidence": evidence, **tool.asking}
    prompt = _prompt(agent, tool, values)
    return ctx.request("action", prompt, values, **tool.form_for(values), **asking)


def _evidence_of(tool: Tool, call: ToolCall) -> dict[str, Any]:
    """Return the tool's name and the arguments of a call, as people see them.

    If the call has an argument named "tool", all arguments are put into a dict of their own. So the
    argument can't take the place of the tool's name.
    """
    if "tool" in call.arguments:
        return {"tool": tool.name, "arguments": call.arguments}
    return {"tool": tool.name, **call.arguments}


def _prompt(agent: Agent, tool: Tool, values: dict[str, Any]) -> str:
    if not tool.prompt:
        return f"May {agent.name} use {tool.name}?"
    return " ".join(fill_prompt(tool.prompt, values).split())[:LONGEST_PROMPT]


def _changed_arguments(tool: Tool, value: Any) -> dict[str, Any]:
    """Return the arguments with the changes that people made, converted to the arguments' types."""
    if tool.model is not None:
        return {name: getattr(value, name) for name in tool.model.model_fields}
    return tool.read(value)


def _denial(response: Response[Any]) -> str:
    if response.timed_out:
        return "Nobody allowed this call in time, so it wasn't carried out."
    why = f": {response.comment}" if response.comment else "."
    return f"{response.responder} denied this call{why}"


def _note_of_changes(before: dict[str, Any], now: Any, response: Response[Any]) -> str:
    """Return a sentence that tells the model which arguments a person has changed.

    If several people had to approve, the person who answered first has made the changes.
    """
    assert response.outcome == Outcome.EDITED
    first = response.votes[0] if response.votes else response
    changes = [
        f"{name} from {before.get(name)!r} to {one!r}"
        for name, one in now.items()
        if before.get(name) != one
    ]
    comment = f" ({first.comment})" if first.comment else ""
    return (
        f"{first.responder} changed {', '.join(changes)} before the call was carried out{comment}."
    )
