"""The execution context that agent programs know, by its own names."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from procedures.engine import questions
from procedures.engine.arguments import call_of
from procedures.engine.attempts import do_step
from procedures.engine.canonical import jsonable
from procedures.engine.errors import QuestionError
from procedures.engine.handles import Handle, ask
from procedures.engine.journal import EventKind
from procedures.engine.line import Line
from procedures.engine.questions import Question, Response
from procedures.engine.sizes import cut

KINDS = ("approval", "input", "review", "escalation")
LONGEST_LOG = 1_000
REFUSALS = {"cancel", "deny", "no", "reject"}
"""The types of an option that means no, wherever it stands."""


@dataclass(frozen=True)
class HumanResponse:
    """What a person said, or the default that silence brought, marked as such."""

    value: Any
    """approval: bool; input, escalation: text; review: {decision, feedback, edited_artifact}."""
    responded_at: str
    """ISO 8601."""
    timed_out: bool
    responder: str


class Checkpoints:
    """What has been kept up to here, by name: the same on every replay."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._kept: dict[str, Any] = {}

    def step_run(self, name: str, fn: Callable[[], Any]) -> Any:
        self._line.check_usable()
        result = do_step(self._line, *call_of(fn, (), {"name": name}))
        self._kept.pop(name, None)
        self._kept[name] = jsonable(result)
        return result

    def exists(self, name: str) -> bool:
        self._line.check_usable()
        return name in self._kept

    def get(self, name: str) -> Any:
        self._line.check_usable()
        return jsonable(self._kept.get(name))

    def clear_after(self, name: str) -> None:
        """Forget what was kept after the last step of that name; the journal keeps it all."""
        names = list(self._kept)
        if name in names:
            self._forget(names[names.index(name) + 1 :])

    def clear_all(self) -> None:
        self._forget(list(self._kept))

    def _forget(self, names: Sequence[str]) -> None:
        self._line.note(EventKind.LOG, "Checkpoints cleared", _log(names))
        for name in names:
            del self._kept[name]


def wait_for_human(
    line: Line,
    request_type: str,
    message: str,
    timeout_seconds: float | None,
    default_value: Any,
    shown: tuple[Sequence[Mapping[str, Any]], Mapping[str, Any]],
) -> HumanResponse:
    """`shown`: the options and the metadata."""
    line.check_usable()
    if request_type not in KINDS:
        raise QuestionError(f"{request_type!r} is none of {', '.join(KINDS)}.")
    asking: dict[str, Any] = {}
    if timeout_seconds is not None:
        asking = {"expires": timeout_seconds, "default": _default(request_type, default_value)}
    question = _question(request_type, message, asking, *shown)
    handle: Handle[Response[Any]] = ask(line, line.scope.key_for(request_type), question)
    response = handle.wait()
    value = jsonable(default_value) if response.timed_out else _said(request_type, response)
    return HumanResponse(value, response.at.isoformat(), response.timed_out, response.responder)


def _default(request_type: str, value: Any) -> Any:
    """The default as the answer that people are told of; an empty text is none."""
    if request_type != "review" or not isinstance(value, Mapping):
        return None if value == "" else value
    edited = value.get("edited_artifact")
    return {"decision": value.get("decision"), **({"text": edited} if edited else {})}


def _said(request_type: str, response: Response[Any]) -> Any:
    if request_type == "review":
        return _reviewed(response)
    return bool(response) if request_type == "approval" else response.value


def _question(
    request_type: str,
    message: str,
    asking: dict[str, Any],
    options: Sequence[Mapping[str, Any]],
    metadata: Mapping[str, Any],
) -> Question:
    labels = [str(option["label"]) for option in options]
    evidence = {name: value for name, value in metadata.items() if name != "artifact"} or None
    if request_type == "review":
        draft = str(metadata.get("artifact", ""))
        return questions.review(message, draft, evidence=evidence, **asking)
    if request_type == "approval":
        yes, no = _yes_and_no(message, options)
        return questions.approval(message, yes=yes, no=no, evidence=evidence, **asking)
    if request_type == "escalation":
        return _escalation(message, labels, evidence=evidence, **asking)
    if labels:
        return questions.choice(message, labels, evidence=evidence, **asking)
    return questions.text_input(message, str, evidence=evidence, **asking)


def _escalation(message: str, labels: Sequence[str], **asking: Any) -> Question:
    """Answered in words, or by one of the buttons where the program has some of its own."""
    if labels:
        return questions.choice(message, labels, assign=questions.OPERATORS, **asking)
    return questions.escalation(message, **asking)


def _yes_and_no(message: str, options: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """The words of the two buttons: by their types, or as they stand."""
    if len(options) > 2:  # noqa: PLR2004 (yes and no)
        raise QuestionError(f"{message!r} is an approval: it has two options at most.")
    refusals = [str(one["label"]) for one in options if one.get("type") in REFUSALS]
    others = [str(one["label"]) for one in options if one.get("type") not in REFUSALS]
    yes, no = (*others, "", "")[:2]
    return yes, refusals[0] if refusals else no


def _reviewed(response: Response[Any]) -> dict[str, Any]:
    is_edited = response.outcome == questions.Outcome.EDITED
    return {
        "decision": "approved" if response else "rejected",
        "feedback": response.comment,
        "edited_artifact": response.value if is_edited else None,
    }


def _log(names: Sequence[str]) -> dict[str, Any]:
    words = f"Checkpoints cleared: {', '.join(names) or 'none'}."
    return {"text": cut(words, LONGEST_LOG), "level": "info"}
