"""The context's methods for agent programs, under the names that such programs already call."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from math import isnan
from typing import Any

from procedures.engine.declaration.arguments import call_of, check_callable
from procedures.engine.declaration.signatures import LONGEST_NAME
from procedures.engine.errors import OptionError, QuestionError, StepFailedError
from procedures.engine.execution.steps import do_step
from procedures.engine.journal.events import EventKind
from procedures.engine.kinds import drafts
from procedures.engine.kinds.kind import Outcome
from procedures.engine.kinds.question_options import OPERATORS
from procedures.engine.kinds.questions import Question, new_question
from procedures.engine.kinds.responses import Response
from procedures.engine.replay.fiber import Fiber, checked_name
from procedures.engine.replay.rebuilt import rebuilt
from procedures.engine.values.canonical import jsonable, legible
from procedures.engine.values.durations import parse_duration
from procedures.engine.values.options import check_json, check_kind, check_text
from procedures.engine.values.sizes import cut
from procedures.engine.values.spelling import short_repr
from procedures.engine.waits.handles import SHORTEST, Handle, ask

KINDS = ("approval", "input", "review", "escalation")
LONGEST_LOG = 1_000
LONGEST_DIGEST = 12
VERB = "wait_for_human"
OPTION = 'mapping such as {"label": "Ship it", "type": "ship"}'
AGAIN = "#"
"""The separator between a decision's type and the number that makes it unique: "ship#1"."""
SILENCE = "system: deadline"
UNSAID = {
    "approval": "Do you approve?",
    "input": "What is your answer?",
    "review": "Does this look right?",
    "escalation": "Help is needed.",
}
"""The default prompt of each kind of request, for an empty message."""
REFUSALS = {"cancel", "deny", "no", "reject"}
"""Types of options that mean no; such an option may stand anywhere in the list of options."""


@dataclass(frozen=True)
class HumanResponse:
    """A person's answer; or the default answer if nobody answered in time.

    `timed_out` is True for a default answer.
    """

    value: Any
    """The answer; its type depends on the kind of request.

    It is a bool for an approval, and a string for an input or an escalation. For a review, it is a
    dict with the keys decision, feedback and edited_artifact.
    """
    responded_at: str
    """The time of the answer, in ISO 8601."""
    timed_out: bool = False
    responder: str = ""


class Checkpoints:
    """The results that `step_run` has stored so far, by name; the same on every replay."""

    def __init__(self, fiber: Fiber) -> None:
        self._fiber = fiber
        self._kept: dict[str, Any] = {}

    @property
    def kept(self) -> dict[str, Any]:
        """A copy of all results, by name."""
        return {name: jsonable(value) for name, value in self._kept.items()}

    def step_run(self, name: str, fn: Callable[[], Any]) -> Any:
        self._fiber.check_usable()
        check_text("name of step_run", name)
        check_callable(fn, "step_run")
        try:
            result = do_step(self._fiber, *call_of(fn, (), {"name": safe_name(name)}))
        except StepFailedError as failed:
            error = rebuilt(failed)
            if error is failed:
                raise
            failed.is_behind = True
            raise error from failed
        self._kept.pop(name, None)
        self._kept[name] = jsonable(result)
        return result

    def exists(self, name: str) -> bool:
        self._fiber.check_usable()
        return check_text("name of checkpoint_exists", name) in self._kept

    def get(self, name: str) -> Any:
        self._fiber.check_usable()
        return jsonable(self._kept.get(check_text("name of checkpoint_get", name)))

    def clear_after(self, name: str) -> None:
        """Forget the result of that name, and all results that were stored after it.

        The events of these results stay in the journal.
        """
        self._fiber.check_usable()
        names = list(self._kept)
        if check_text("name of checkpoint_clear_after", name) in names:
            self._forget(names[names.index(name) :])

    def clear_all(self) -> None:
        self._forget(list(self._kept))

    def _forget(self, names: Sequence[str]) -> None:
        self._fiber.note(EventKind.LOG, "Checkpoints cleared", _log(names))
        for name in names:
            del self._kept[name]


def safe_name(name: str) -> str:
    """Return a valid step name for any name.

    A valid name is returned unchanged. For any other name, the result consists of the name's valid
    characters, a dash and the start of the name's digest.
    """
    try:
        return checked_name(name)
    except QuestionError:
        plain = "".join(one if one.isprintable() and one not in "#/:" else "_" for one in name)
        kept = plain.strip()[: LONGEST_NAME - LONGEST_DIGEST - 1]
        own = name.encode(errors="surrogatepass")  # names may differ only in lone surrogates
        return f"{kept}-{sha256(own).hexdigest()[:LONGEST_DIGEST]}"


def wait_for_human(
    fiber: Fiber,
    request_type: str,
    message: str,
    timeout_seconds: float | None,
    default_value: Any,
    shown: tuple[Sequence[Mapping[str, Any]] | None, Mapping[str, Any] | None],
) -> HumanResponse:
    """Ask people the question of an agent program, and wait for the answer.

    `shown` is a pair of the question's options and its metadata.
    """
    fiber.check_usable()
    if request_type not in KINDS:
        raise QuestionError(
            f"Unknown request_type {short_repr(request_type)} of {VERB}. "
            f"The types are {', '.join(KINDS)}."
        )
    check_text(f"message of {VERB}", message)
    _check_seconds(timeout_seconds)
    check_json(f"default_value of {VERB}", default_value)
    shown = _checked_options(shown[0]), _checked_metadata(shown[1])
    is_over = timeout_seconds is not None and timeout_seconds <= 0
    asking: dict[str, Any] = {}
    if timeout_seconds is not None:
        seconds = SHORTEST.total_seconds() if is_over else timeout_seconds
        asking = {"expires": seconds, "default": None}
    question = _question(request_type, message, asking, *shown)
    question = replace(question, default=_default(request_type, jsonable(default_value)))
    key = fiber.scope.key_for(request_type)
    if is_over and not fiber.scope.peek("wait", key):
        return HumanResponse(jsonable(default_value), fiber.now.isoformat(), True, SILENCE)  # noqa: FBT003
    handle: Handle[Response[Any]] = ask(fiber, key, question)
    response = handle.wait()
    value = jsonable(default_value) if response.timed_out else _said(request_type, response)
    return HumanResponse(value, response.at.isoformat(), response.timed_out, response.responder)


def _check_seconds(seconds: object) -> None:
    """Raise `OptionError` unless the value is None or a number of seconds, even a negative one."""
    if seconds is None:
        return
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or (isinstance(seconds, float) and isnan(seconds)):
        raise OptionError(
            f"timeout_seconds of {VERB} must be a number of seconds or None, "
            f"not {short_repr(seconds)}."
        )
    if isinstance(seconds, int | float) and seconds > 0:
        parse_duration(seconds, of=f"timeout_seconds of {VERB}")


def _checked_options(options: object) -> Sequence[Mapping[str, Any]]:
    """Return the options of a question; each must have a label and may have a type."""
    given = () if options is None else options
    if isinstance(given, str | bytes) or not isinstance(given, Sequence):
        raise OptionError(
            f"options of {VERB} must be a list, not {short_repr(given)}. Each entry must be a "
            f"{OPTION}."
        )
    for one in given:
        if not isinstance(one, Mapping) or "label" not in one:
            raise OptionError(
                f"Each of the options of {VERB} must be a {OPTION}, not {short_repr(one)}."
            )
        check_json(f"options of {VERB}", one)
    return given


def _checked_metadata(metadata: object) -> Mapping[str, Any]:
    given = {} if metadata is None else metadata
    check_kind(f"metadata of {VERB}", given, Mapping, "a mapping")
    check_json(f"metadata of {VERB}", given)
    found: Mapping[str, Any] = given  # type: ignore[assignment]  # checked above
    return found


def _default(request_type: str, value: Any) -> Any:
    """Return the default answer in the form that people see; an empty string means no default."""
    if request_type != "review" or not isinstance(value, Mapping):
        return None if value == "" else value
    edited = value.get("edited_artifact")
    decision = {"decision": str(value.get("decision") or "")}
    return {**decision, "text": drafts.text_of(edited)} if edited else decision


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
    prompt, _, body = (legible(message).strip() or UNSAID[request_type]).partition("\n")
    others = {name: value for name, value in metadata.items() if name != "artifact"}
    asking = {**asking, "body": body.strip(), "metadata": others or None}
    if request_type == "review":
        return _review(prompt, metadata.get("artifact", ""), _decisions(options), **asking)
    if request_type == "approval":
        yes, no = _yes_and_no(prompt, options)
        return new_question("approval", prompt, yes=yes, no=no, **asking)
    if request_type == "escalation":
        return _escalation(prompt, labels, **asking)
    if labels:
        return new_question("choice", prompt, labels, **asking)
    return new_question("input", prompt, str, **asking)


def _review(
    prompt: str, artifact: Any, decisions: dict[str, str] | None, **asking: Any
) -> Question:
    """Return a review question whose data is shown, edited and checked as JSON."""
    draft = drafts.text_of(artifact)
    question = new_question("review", prompt, draft, decisions=decisions, **asking)
    schema = drafts.review_schema(artifact, question.decisions, is_kind_kept=False)
    return replace(question, schema=schema)


def _decisions(options: Sequence[Mapping[str, Any]]) -> dict[str, str] | None:
    """Return the labels of the options, by type, for example `{"ship": "Ship it"}`.

    If two options have the same type, the later one gets a number: "ship#1". For an option without
    a type, the key is its label in snake case.
    """
    found: dict[str, str] = {}
    for option in options:
        label = str(option["label"])
        name = str(option.get("type") or label.lower().replace(" ", "_"))
        found[f"{name}{AGAIN}{len(found)}" if name in found else name] = label
    return found or None


def _escalation(message: str, labels: Sequence[str], **asking: Any) -> Question:
    """Return a question to the operators.

    Without options, operators answer with a text. Otherwise they choose one of the options.
    """
    if labels:
        return new_question("choice", message, labels, assign=OPERATORS, **asking)
    return new_question("escalation", message, **asking)


def _yes_and_no(message: str, options: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Return the labels for yes and no, found by the options' types, or else by their order."""
    if len(options) > 2:  # noqa: PLR2004 (yes and no)
        raise QuestionError(f"The approval {message!r} can have at most two options.")
    refusals = [str(one["label"]) for one in options if one.get("type") in REFUSALS]
    others = [str(one["label"]) for one in options if one.get("type") not in REFUSALS]
    yes, no = (*others, "", "")[:2]
    return yes, refusals[0] if refusals else no


def _reviewed(response: Response[Any]) -> dict[str, Any]:
    question = response.question
    assert question
    draft = json.loads(question.draft or "") if question.is_of_data else question.draft
    is_free = response.outcome == Outcome.EDITED or question.labels
    is_edited = is_free and response.value != draft
    return {
        "decision": response.decision.partition(AGAIN)[0],
        "feedback": response.comment,
        "edited_artifact": response.value if is_edited else None,
    }


def _log(names: Sequence[str]) -> dict[str, Any]:
    words = legible(f"Checkpoints cleared: {', '.join(names) or 'none'}.")
    return {"text": cut(words, LONGEST_LOG), "level": "info"}
