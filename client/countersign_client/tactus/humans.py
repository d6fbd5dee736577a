"""The handler by which procedures of Tactus ask people of a Countersign site."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from countersign_client.errors import NoAnswerError, WaitTimeoutError
from countersign_client.outside import OutsideQuestion
from countersign_client.results.requests import Answer
from countersign_client.tactus.models import built
from countersign_client.tactus.plain import cut, plain
from countersign_client.tactus.storage import META, WAITING_ON, TactusStorage

WAITING, RUNNING = "WAITING_FOR_HUMAN", "RUNNING"
DEFAULT = "default/"
LONGEST_SUBJECT, LONGEST_BODY, LONGEST_SHOWN = 300, 20_000, 12_000
SHOWN = ("context", "artifact")
"""The metadata that people are shown, as part of the question."""
NO_TEXT = {"approval": "Please approve.", "input": "Please answer.", "review": "Please review."}
YES_OR_NO = ("approve", "reject")
"""The decisions of a review without options."""


class HITLHandler:
    """A handler for human requests, which asks people and returns their answer to the procedure.

    The handler asks only once at each position of a procedure: a process that is restarted gets the
    earlier answers. `to` names the people to ask, who must be among those named by `to` of the
    storage. `due` is the time in which an answer is wanted, such as "30m". `waiting` is an
    exception class, such as Tactus's `ProcedureWaitingForHuman`: if a question is still open after
    `patience` seconds, the handler raises `waiting(procedure_id, message_id)`. Without `waiting`,
    the handler has no time limit.
    """

    def __init__(
        self,
        storage: TactusStorage,
        *,
        to: Iterable[str] = (),
        due: str = "",
        waiting: Callable[[str, str], BaseException] | None = None,
        patience: float = 0,
    ) -> None:
        self._storage, self._to, self._due = storage, list(to), due
        self._waiting, self._patience = waiting, patience
        self._given: dict[tuple[int, str], int] = {}

    def request_interaction(
        self, procedure_id: str, request: Any, execution_context: Any = None
    ) -> Any:
        """Ask people and return their answer, or the request's default if nobody answers in time.

        Raises `NoAnswerError` if the question was withdrawn, and `waiting` if the question is still
        open after `patience` seconds.
        """
        if request.timeout_seconds is not None and request.timeout_seconds <= 0:
            return self._response(request.default_value, datetime.now(UTC), timed_out=True)
        place = self._place(procedure_id, request, execution_context)
        count = self._given.get(place, 0)
        key = f"{place[1]}.{count}" if count else place[1]
        answer = self._answer(procedure_id, self._question(procedure_id, key, request))
        self._given[place] = count + 1
        self._storage.update_procedure_status(procedure_id, RUNNING)
        return self._response_to(procedure_id, key, answer)

    def check_pending_response(self, procedure_id: str, message_id: str) -> Any:
        """Return the answer to a question, or None if there is none (yet)."""
        question = self._storage.run_of(procedure_id).question(message_id)
        try:
            answer = question.poll() if question else None
        except NoAnswerError:
            return None
        if answer is None:  # an answer that isn't an approval is false
            return None
        return self._response_to(procedure_id, message_id, answer)

    def cancel_pending_request(self, procedure_id: str, message_id: str) -> None:
        """Withdraw a question. If it was closed already, or never asked, nothing happens."""
        run = self._storage.run_of(procedure_id)
        is_withdrawn = run.withdraw(message_id, "The program no longer needs the answer.")
        if is_withdrawn and run.get(META + WAITING_ON) == message_id:
            self._storage.update_procedure_status(procedure_id, RUNNING)

    def _place(self, procedure_id: str, request: Any, context: Any) -> tuple[int, str]:
        """Return the number of the execution, and a key for the question.

        Each execution loads the metadata once, so the number is that of the loads. The key is made
        of the position in the procedure and a digest of the question.
        """
        next_position = getattr(context, "next_position", None)
        position = next_position() if next_position else self._storage.position_of(procedure_id)
        execution = getattr(context, "current_run_id", None)
        asked = [request.request_type, request.message, plain(request.options), _shown(request)]
        digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]
        prefix = f"{execution[:60]}." if isinstance(execution, str) and execution else ""
        return self._storage.loads_of(procedure_id), f"{prefix}{position}.{digest}"

    def _question(self, procedure_id: str, key: str, request: Any) -> OutsideQuestion:
        run = self._storage.run_of(procedure_id)
        if (earlier := run.question(key)) is not None:
            return earlier
        seconds = request.timeout_seconds
        subject, body = _texts(request)
        return run.ask(
            key,
            subject,
            body=body,
            to=self._to,
            due=self._due,
            expires=f"{seconds}s" if seconds else "",
            values={DEFAULT + key: plain(request.default_value)},
            **_terms(request),
        )

    def _answer(self, procedure_id: str, question: OutsideQuestion) -> Answer:
        answer = question.poll()
        if answer is not None:
            return answer
        self._storage.update_procedure_status(procedure_id, WAITING, question.key)
        if self._waiting is None:
            return question.wait()
        try:
            return question.wait(timeout=self._patience)
        except WaitTimeoutError:
            raise self._waiting(procedure_id, question.key) from None

    def _response_to(self, procedure_id: str, key: str, answer: Answer) -> Any:
        value = answer.value
        if answer.timed_out:
            value = self._storage.run_of(procedure_id).get(DEFAULT + key)
        return self._response(
            value,
            answer.at,
            timed_out=answer.timed_out,
            responder=answer.responder,
            comment=answer.comment,
        )

    def _response(self, value: Any, at: datetime, **more: Any) -> Any:
        values = {"value": value, "responded_at": at, **more}
        return built(self._storage.models.HITLResponse, values)


def _shown(request: Any) -> dict[str, Any]:
    metadata = request.metadata or {}
    return {name: plain(metadata[name]) for name in SHOWN if metadata.get(name)}


def _texts(request: Any) -> tuple[str, str]:
    """Return the subject and the body of a question."""
    first, _, rest = (request.message or "").strip().partition("\n")
    subject = first.strip() or NO_TEXT.get(request.request_type, "Please help.")
    parts = [f"{subject[LONGEST_SUBJECT - 1 :]}"] if len(subject) > LONGEST_SUBJECT else []
    if parts:
        subject = f"{subject[: LONGEST_SUBJECT - 1]}…"
    parts += [rest.strip(), *(_block(name, one) for name, one in _shown(request).items())]
    if request.timeout_seconds:
        default = json.dumps(plain(request.default_value), ensure_ascii=False)
        parts.append(f"If nobody answers in time, the program continues with `{default[:500]}`.")
    return subject, "\n\n".join(part for part in parts if part)[:LONGEST_BODY]


def _block(name: str, value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    # The text is indented, because it may contain a fence itself.
    lines = "\n".join(f"    {line}" for line in cut(text, LONGEST_SHOWN).splitlines())
    return f"**{name.capitalize()}**\n\n{lines}"


def _terms(request: Any) -> dict[str, Any]:
    """Return the kind of a question, with its options or its form."""
    choices = _choices(request.options)
    match request.request_type:
        case "approval":
            return {"kind": "approval"}
        case "review":
            return {"schema": _review(list(choices) or list(YES_OR_NO))}
        case _:
            return {"kind": "choice", "options": choices} if choices else {"kind": "input"}


def _choices(options: Sequence[Any] | None) -> dict[str, str]:
    """Return the labels of the options, keyed by the values; the answer is one of the values."""
    found: dict[str, str] = {}
    for one in options or ():
        given = cast("Mapping[str, Any]", one) if isinstance(one, Mapping) else {"label": str(one)}
        label = str(given.get("label") or given.get("value") or given.get("type"))
        short = label.lower().replace(" ", "_") if isinstance(one, Mapping) else label
        found[str(given.get("value") or given.get("type") or short)] = label
    return found


def _review(decisions: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "decision": {"type": "string", "title": "Decision", "enum": decisions},
            "feedback": {"type": "string", "title": "Feedback", "default": ""},
            "edited_artifact": {"type": "string", "title": "Edited artifact", "default": ""},
        },
        "required": ["decision"],
    }
