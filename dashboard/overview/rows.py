"""A run's journal as rows for its page: stages, steps with their attempts, and waits."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from dashboard.overview.cuts import LABEL, cut_text
from dashboard.overview.words import progress_words
from procedures.engine.journal.events import Event, EventKind, RunStatus
from procedures.engine.journal.payloads import NOT_KEPT
from procedures.engine.replay.history import FORK
from procedures.engine.values.readable import readable
from procedures.models import Run, Wait

RowKind = Literal["stage", "step", "series", "question", "timer", "signal", "child", "queue"]
ROWS: dict[str, RowKind] = {
    Wait.Kind.REQUEST: "question",
    Wait.Kind.TIMER: "timer",
    Wait.Kind.SIGNAL: "signal",
    Wait.Kind.CHILD: "child",
    Wait.Kind.MAP: "child",
}
"""The kind of row for each kind of wait; a set of waits has no row, but each wait in it has one."""
GOOD = {
    *("approved", "answered", "edited", "changes_requested"),
    *("elapsed", "received", "succeeded", "finished"),
}
Look = Literal[
    "done",
    "failed",
    "running",
    "retrying",
    "person",
    "timer",
    "idle",
    "refused",
    "cancelled",
]
STOPPED: dict[str, Look] = {
    RunStatus.FAILED: "failed",
    RunStatus.CANCELLED: "cancelled",
    RunStatus.QUARANTINED: "failed",
}
"""The look of the last stage of a run that has stopped with this status."""
SegmentKind = Literal["work", "fail", "pause", "person", "timer", "queue"]


@dataclass(frozen=True)
class Segment:
    """A span of time in which one thing happened; if `end` is None, it is still happening."""

    kind: SegmentKind
    begin: datetime
    end: datetime | None


@dataclass(frozen=True)
class Attempt:
    """One attempt of a step."""

    number: int
    begin: datetime
    end: datetime | None
    data: dict[str, Any]
    seq: int = 0
    """The number of the event that recorded the attempt's end; 0 if it hasn't ended."""

    @property
    def is_success(self) -> bool:
        return "result" in self.data or NOT_KEPT in self.data


@dataclass
class StepOutput:
    """The output of a step's last attempt: its lines, and its progress as `done` of `total`."""

    since: datetime
    attempt: int
    lines: list[str] = field(default_factory=list)
    done: float | None = None
    total: float | None = None
    is_writing: bool = False
    """True if the attempt has begun to write a text."""

    def hear(self, data: Mapping[str, Any]) -> None:
        """Add the lines of a progress event.

        If the event reports progress (`done`), its lines replace all earlier ones.
        """
        self.is_writing = self.is_writing or bool(data.get("writes"))
        if "done" in data:
            self.lines.clear()
            self.done, self.total = data["done"], data["total"]
        self.lines += [line for line in data["text"].splitlines() if line]

    @property
    def counts(self) -> str:
        if self.done is None:
            return ""
        return progress_words(self.done, self.total)


@dataclass
class Row:
    """A row of a run's page: a stage, a step, a wait or time in the queue."""

    kind: RowKind
    key: str
    name: str
    look: Look
    begin: datetime
    end: datetime | None = None
    segments: list[Segment] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    opened: dict[str, Any] = field(default_factory=dict)
    """The content of the event that opened the wait; {} if this row isn't a wait."""
    closed: dict[str, Any] = field(default_factory=dict)
    """The content of the event that closed the wait; {} while the wait is open."""
    opened_seq: int = 0
    """The number of the event that opened the wait; 0 if this row isn't a wait."""
    wait: Wait | None = None
    depth: int = 0
    output: StepOutput | None = None
    """The output of the step; None if it has reported none."""
    written: dict[str, Any] = field(default_factory=dict)
    """The content of the event with the text that the step has written; {} if there is none."""
    children: Any = None
    """The child runs for which the row waits, as `kin.Children`; None if there are none."""
    number: int = 0
    """The position of the row among all rows of the run; the first one has 1."""
    then: list[str] = field(default_factory=list)
    """The names of the stages that the code has announced to follow this stage."""
    members: list["Row"] = field(default_factory=list)
    """The rows of the steps that are folded into this row, if its kind is "series"."""

    @property
    def is_open(self) -> bool:
        return self.end is None

    @property
    def slept_until(self) -> datetime | None:
        """The time at which a timer ends, or at which it was withdrawn before its end."""
        due = self.wait.due_at if self.wait else None
        return min(self.end, due) if self.end and due else due

    @property
    def is_unfinished(self) -> bool:
        """True if the row is open, or was still open when the run ended."""
        return self.is_open or (self.wait is not None and not self.closed)


class Reader:
    """A reader that makes rows from the events of a run, and then adds the run's current state."""

    def __init__(self, waits: Iterable[Wait]) -> None:
        self.rows: list[Row] = []
        self._waits = {wait.opened_seq: wait for wait in waits}
        self._by_key: dict[str, Row] = {}
        self._outputs: dict[str, StepOutput] = {}
        self._written: dict[str, dict[str, Any]] = {}
        self._queued_at: datetime | None = None
        self._stage: Row | None = None

    def read(self, event: Event) -> None:
        match event.kind:
            case EventKind.RUN_STARTED:
                self._queued_at = event.at
            case EventKind.STAGE:
                key, then = f"stage-{event.seq}", event.content.get("then", [])
                self._stage = Row("stage", key, event.name, "done", event.at, then=then)
                self.rows.append(self._stage)
            case EventKind.STEP_SUCCEEDED | EventKind.STEP_FAILED:
                self._read_attempt(event)
            case EventKind.PROGRESS | EventKind.NOTICE:
                self._hear(event)
            case EventKind.WAIT_OPENED | EventKind.CHILD_STARTED:
                self._open(event)
            case EventKind.WAIT_CLOSED:
                self._close(event.key, readable(event.content))
            case EventKind.OPERATOR if event.name == FORK:
                self._part(event)

    def _read_attempt(self, event: Event) -> None:
        data = readable(event.content)
        begin = datetime.fromisoformat(data["started_at"])
        row = self._by_key.get(event.key) or self._add("step", event.key, event.name, begin)
        self._resume(row, begin)
        row.attempts.append(Attempt(data["attempt"], begin, event.at, data, event.seq))
        is_done = event.kind == EventKind.STEP_SUCCEEDED
        row.segments.append(Segment("work" if is_done else "fail", begin, event.at))
        row.look = "done" if is_done else "failed" if data["final"] else "retrying"
        row.end = None if row.look == "retrying" else event.at

    def _hear(self, event: Event) -> None:
        data = readable(event.content)
        if event.kind == EventKind.NOTICE:
            self._written |= {event.key: {**data, "seq": event.seq}} if "step" in data else {}
            return
        if "attempt" not in data:  # the procedure's own, between steps: a line of its journal
            return
        output = self._outputs.get(event.key)
        if output is None or output.attempt != data["attempt"]:
            output = self._outputs[event.key] = StepOutput(event.at, data["attempt"])
        output.hear(data)

    def _resume(self, row: Row, begin: datetime) -> None:
        """Add the spans between two attempts: the pause before the retry, then the queue."""
        if not row.attempts:
            return
        last = row.attempts[-1]
        retry_at = last.data.get("retry_at")
        if last.end and retry_at:
            due = min(datetime.fromisoformat(retry_at), begin)
            row.segments.append(Segment("pause", last.end, due))
            if due < begin:
                row.segments.append(Segment("queue", due, begin))

    def _open(self, event: Event) -> None:
        data = readable(event.content)
        kind = ROWS.get(data["wait"])
        if kind is None:
            return
        name = str(cut_text(data.get("prompt") or event.name, LABEL))
        row = self._add(kind, event.key, name, event.at)
        row.opened, row.opened_seq = data, event.seq
        row.wait = self._waits.get(event.seq)
        row.look = "person" if kind == "question" else "timer"
        row.end = row.wait.closed_at if row.wait else None
        segment = Segment("person" if kind == "question" else "timer", event.at, row.end)
        row.segments.append(segment)
        self._queued_at = row.end

    def _part(self, event: Event) -> None:
        """Remove the rows that a fork didn't take over, when the event of the fork is reached."""
        self.rows = [row for row in self.rows if row.kind in {"stage", "step"} or row.wait]
        self._queued_at = event.at

    def _close(self, key: str, data: dict[str, Any]) -> None:
        if row := self._by_key.get(key):
            row.closed, row.look = data, "done" if data["outcome"] in GOOD else "refused"

    def _add(self, kind: RowKind, key: str, name: str, begin: datetime) -> Row:
        row = Row(kind, key, name, "done", begin, depth=1 if self._stage else 0)
        if self._queued_at and self._queued_at < begin:
            row.segments.append(Segment("queue", self._queued_at, begin))
        self._queued_at = None
        self._by_key[key] = row
        self.rows.append(row)
        return row

    def read_present(self, run: Run, untaken: Mapping[str, dict[str, Any]]) -> None:
        """Add what isn't in the journal yet: the answers `untaken`, and the run's current work."""
        for key, data in untaken.items():
            self._close(key, data)
        if self._stage:
            self._stage.look = STOPPED.get(run.status, "done")
        if run.status == RunStatus.QUEUED:
            begin = self._queued_at or run.created_at
            self._queued_at = None
            queue = self._add("queue", "queue", "Queued", begin)
            queue.look, queue.segments = "idle", [Segment("queue", begin, None)]
        elif run.working_on and run.working_since:
            self._work(run.working_on, run.working_attempt or 1, run.working_since)
        elif run.status == RunStatus.RUNNING and (working := self._unfinished()):
            self._work(working, self._outputs[working].attempt, self._outputs[working].since)
        elif run.status == RunStatus.RETRYING:
            self._wait_for_retry()

    def _work(self, key: str, attempt: int, since: datetime) -> None:
        row = self._by_key.get(key) or self._add("step", key, key, since)
        self._resume(row, since)
        row.attempts.append(Attempt(attempt, since, None, {}))
        row.segments.append(Segment("work", since, None))
        row.look, row.end = "running", None

    def _unfinished(self) -> str | None:
        """Return the key of a step that has reported output and is still running, or None."""
        for key, output in reversed(self._outputs.items()):
            row = self._by_key.get(key)
            if row is None or row.attempts[-1].number < output.attempt:
                return key
        return None

    def _wait_for_retry(self) -> None:
        row = next((row for row in reversed(self.rows) if row.look == "retrying"), None)
        if row and row.attempts[-1].end:
            row.segments.append(Segment("pause", row.attempts[-1].end, None))

    def finish(self, ended_at: datetime | None) -> list[Row]:
        """Give each row its number, and end open rows with the run; return the rows.

        A stage lasts from the beginning of its first row to the end of its last.
        """
        stage: Row | None = None
        for number, row in enumerate(self.rows, start=1):
            row.number = number
            if row.kind == "stage":
                stage, row.end = row, row.begin
            else:
                if ended_at and row.is_unfinished:
                    row.look = "cancelled"
                row.end, row.output = row.end or ended_at, self._outputs.get(row.key)
                row.written = self._written.get(row.key, {})
                row.segments = [
                    Segment(part.kind, part.begin, part.end or ended_at) for part in row.segments
                ]
                if stage:
                    _stretch(stage, row)
        return self.rows


def _stretch(stage: Row, row: Row) -> None:
    stage.begin = min([stage.begin, *(segment.begin for segment in row.segments)])
    stage.end = None if row.end is None or stage.end is None else max(stage.end, row.end)
    if row.is_open or row.look in {"failed", "cancelled"}:
        stage.look = row.look
