"""Runs and their events as overviews read them, at nine o'clock and after."""

from datetime import UTC, datetime, timedelta
from typing import Any

from procedures.engine.journal.events import Event, RunStatus
from procedures.engine.kinds.questions import new_question
from procedures.engine.values import canonical
from procedures.models import Run

NINE = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NINE + timedelta(seconds=seconds)


def run(status: RunStatus, **values: Any) -> Run:
    return Run(status=status, created_at=NINE, inputs="{}", **values)


def asking(**options: Any) -> dict[str, Any]:
    question = new_question("approval", "Refund 7 €?", yes="Refund", no="Do not refund", **options)
    return {**question.as_json(), "wait": "request"}


def event(seq: int, what: str, key: str = "", *, after: float, **data: Any) -> Event:
    return Event(seq, what, key, key or what, canonical.text_of(data), at(after), "")


def step(seq: int, key: str, begin: float, end: float, **data: Any) -> Event:
    kind = "step.succeeded" if "result" in data else "step.failed"
    facts = {"attempt": 1, "started_at": at(begin).isoformat(), "arguments": "d", **data}
    return event(seq, kind, key, after=end, **facts)


def failed(seq: int, key: str, begin: float, end: float, *, retry_at: float | None) -> Event:
    due = None if retry_at is None else at(retry_at).isoformat()
    told = {"type": "OSError", "message": "No.", "traceback": ""}
    return step(seq, key, begin, end, **told, retry_at=due, final=due is None)


def operation(action: str, **more: str) -> dict[str, Any]:
    return {"action": action, "by": "dave", "reason": "Why not?", **more}
