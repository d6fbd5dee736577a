"""The primitives named Human: a program's questions, which are ordinary requests to people."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from procedures.engine import Context, Response
from programs.lua.errors import HumanTimeoutError
from programs.lua.primitives.fields import form_of, media_types, options_of
from programs.lua.primitives.files import Files
from programs.lua.primitives.options import seconds_of, shown, table_of, text_of

PASSED_ON = ("assign", "due", "remind", "escalate", "risk", "irreversible", "quorum", "four_eyes")
"""Options of the engine's questions that a program can set by the same names."""
PLAIN_MARKS = re.compile(r"^[#>\s]+|[*_`]{2,}|^[*_`]+|[*_`]+$")
"""A pattern for Markdown that is removed from prompts: a prompt is one line of plain text."""
USUAL_DECISIONS = {"Approve": "Approve", "Reject": "Reject"}
ON_TIMEOUT = ("default", "error", "retry")
DEFAULT_MESSAGES = {
    "approve": "Approval requested",
    "input": "Input requested",
    "select": "Choice requested",
    "review": "Review requested",
    "escalate": "Escalation required",
    "inputs": "Inputs requested",
    "upload": "File upload requested",
}
Answered = tuple[Any, bool, str]
"""A tuple of the answer's value, True if nobody answered in time, and the responder's name."""


class HumanPrimitives:
    """The questions that a program asks.

    Only `approve` returns several values to Lua. All other questions return one value. So a call to
    one of them can be the last argument of another call, to which Lua passes all that is returned.
    """

    def __init__(self, ctx: Context, declared: Mapping[str, Any], files: Files) -> None:
        self._ctx, self._declared, self._files = ctx, declared, files

    def approve(self, options: Any = None, more: Any = None) -> Answered:
        settings = self._options("approve", options, more)
        default = settings.get("default")
        if not isinstance(default, bool | None):  # in Lua, even "no" is true
            words = "default of Human.approve must be true or false"
            raise TypeError(f"{words}, not {shown(default)}.")
        default = bool(default)
        yes, no = text_of(settings.get("yes")), text_of(settings.get("no"))

        def ask(asking: dict[str, Any]) -> Response[Any]:
            asked = _with_default(asking, default)
            return self._ctx.approve(_prompt(settings), yes=yes, no=no, **asked)

        return self._answer("approve", settings, ask, bool, default)

    def input(self, options: Any = None, more: Any = None) -> Any:
        settings = self._options("input", options, more)
        if settings.get("options"):
            return self._choose("input", settings)
        default = settings.get("default")

        def ask(asking: dict[str, Any]) -> Response[Any]:
            shown = default if isinstance(default, str) and default else None
            return self._ctx.ask(_prompt(settings), str, **_with_default(asking, shown))

        return self._answer("input", settings, ask, lambda one: one.value, default)[0]

    def inputs(self, items: Any = None, more: Any = None) -> Any:
        """Ask for several values in one form; return a table of values by the ids of the items."""
        schema = form_of(items)
        times = [one["timeout"] for one in items if one.get("timeout") is not None]
        usual = {"timeout": min(times)} if times else {}
        settings = self._options("inputs", {**usual, **table_of(more, "Human.inputs")}, None)
        default = {text_of(one["id"]): one.get("default") for one in items}

        def ask(asking: dict[str, Any]) -> Response[Any]:
            return self._ctx.form(_prompt(settings), schema=schema, **_with_default(asking, None))

        return self._answer("inputs", settings, ask, lambda one: one.value, default)[0]

    def upload(self, options: Any = None, more: Any = None) -> Any:
        """Ask for one or several files.

        Return a table for each; `File.read` reads a file by its `path`.
        """
        settings = self._options("upload", options, more)
        many = bool(settings.get("multiple"))
        limits: dict[str, Any] = {"many": many}
        if accept := media_types(settings.get("accept")):
            limits["accept"] = accept
        if (largest := settings.get("max_size")) is not None:
            limits["largest"] = largest

        def ask(asking: dict[str, Any]) -> Response[Any]:
            return self._ctx.upload(_prompt(settings), **limits, **_with_default(asking, None))

        def sent(response: Response[Any]) -> Any:
            files = response.value if many else [response.value]
            found = [self._files.take(one) for one in files]
            return found if many else found[0]

        return self._answer("upload", settings, ask, sent, None)[0]

    def choose(self, options: Any = None, more: Any = None) -> Any:
        return self._choose("select", self._options("select", options, more))

    def review(self, options: Any = None, more: Any = None) -> Any:
        settings = self._options("review", options, more)
        draft = settings.get("artifact")
        draft = "" if draft is None else draft
        draft = draft if isinstance(draft, str | dict | list) else text_of(draft)
        default = settings.get("default", {"decision": "reject", "feedback": ""})
        decisions = _decisions(settings.get("options"))

        def ask(asking: dict[str, Any]) -> Response[Any]:
            wanted = default.get("decision") if isinstance(default, dict) else None
            shown = {"decision": wanted} if wanted in decisions else None
            asked = _with_default(asking, shown)
            return self._ctx.review(_prompt(settings), draft, decisions=decisions, **asked)

        def result(response: Response[Any]) -> dict[str, Any]:
            is_edited = response.value not in (None, "", draft)
            return {
                "decision": response.decision,
                "feedback": response.comment,
                "edited_artifact": response.value if is_edited else None,
                "responded_at": response.at.isoformat(),
                "responder": response.responder,
            }

        found, timed_out, _ = self._answer("review", settings, ask, result, default)
        return {**found, "timed_out": timed_out} if isinstance(found, dict) else found

    def escalate(self, options: Any = None, more: Any = None) -> Any:
        settings = self._options("escalate", options, more)
        settings.pop("timeout", None)

        def ask(asking: dict[str, Any]) -> Response[Any]:
            return self._ctx.escalate(_prompt(settings), **asking)

        return self._answer("escalate", settings, ask, lambda one: one.value, None)[0]

    def _choose(self, verb: str, settings: Mapping[str, Any]) -> Any:
        options, default = options_of(settings.get("options")), settings.get("default")

        def ask(asking: dict[str, Any]) -> Response[Any]:
            shown = default if isinstance(default, str) and default in options else None
            return self._ctx.choose(_prompt(settings), options, **_with_default(asking, shown))

        return self._answer(verb, settings, ask, lambda one: one.value, default)[0]

    def _options(self, verb: str, options: Any, more: Any) -> dict[str, Any]:
        """Return the options of a question: those in the call, and those that the file declares.

        The options in the call override the declared ones.
        """
        if isinstance(options, str):
            options = {**table_of(more, f"Human.{verb}"), "config_key": options}
        settings = table_of(options, f"Human.{verb}")
        key = settings.get("config_key")
        if key is not None and key not in self._declared:
            raise ValueError(f"The file declares no question named {shown(key)}.")
        declared = {} if key is None else self._declared[key]
        found = {**declared, **settings}
        if found.get("on_timeout", "default") not in ON_TIMEOUT:
            words = f"{', '.join(ON_TIMEOUT)}, not {shown(found['on_timeout'])}"
            raise ValueError(f"on_timeout of Human.{verb} must be one of {words}.")
        found["message"] = text_of(found.get("message")).strip() or DEFAULT_MESSAGES[verb]
        return found

    def _answer(
        self,
        verb: str,
        settings: Mapping[str, Any],
        ask: Callable[[dict[str, Any]], Response[Any]],
        read: Callable[[Response[Any]], Any],
        default: Any,
    ) -> Answered:
        seconds = seconds_of(settings.get("timeout"), f"timeout of Human.{verb}")
        while seconds is None or seconds > 0:
            response = ask(_engine_options(settings, seconds))
            if not response.timed_out:
                return read(response), False, response.responder
            if settings.get("on_timeout") != "retry":
                break
        if settings.get("on_timeout") == "error":
            raise HumanTimeoutError(f"Nobody has answered in time: {_prompt(settings)}")
        return default, True, ""


def _engine_options(settings: Mapping[str, Any], seconds: float | None) -> dict[str, Any]:
    """Return the options for the engine's question, from the options of the program's question."""
    asking = {name: settings[name] for name in PASSED_ON if settings.get(name) is not None}
    asking["body"] = settings["message"].partition("\n")[2].strip()
    if context := settings.get("context"):
        asking["evidence"] = context
    return asking if seconds is None else {**asking, "expires": seconds}


def _with_default(asking: dict[str, Any], default: Any) -> dict[str, Any]:
    return {**asking, "default": default} if "expires" in asking else asking


def _prompt(settings: Mapping[str, Any]) -> str:
    line: str = settings["message"].partition("\n")[0].strip()
    return PLAIN_MARKS.sub("", line) or line


def _decisions(options: Any) -> dict[str, str]:
    """Return the labels of a review's buttons, keyed by the decisions that the program gets.

    An option is a table or a string. For a table, the decision is the table's label. For a string,
    the decision is the string itself, and the label is the string with a capital letter.
    """
    if not options:
        return USUAL_DECISIONS
    found = {}
    for one in options:
        if isinstance(one, dict):
            label = text_of(one.get("label"))
            found[label] = label
        else:
            name = text_of(one)
            found[name] = name if any(letter.isupper() for letter in name) else name.capitalize()
    return found
