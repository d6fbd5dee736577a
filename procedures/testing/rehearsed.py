"""The outcome of a rehearsal."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from procedures.engine.journal.events import Event, EventKind, RunStatus
from procedures.testing.people import AskedWait, RefusedAnswer


@dataclass(frozen=True)
class RehearsedRun:
    """The outcome of a rehearsed run."""

    status: RunStatus
    result: Any
    """The result in the procedure's declared type, or None if there is none."""
    error: Mapping[str, Any] | None
    """The error of a failed or quarantined run: its "type", "message" and further details."""
    events: tuple[Event, ...]
    asked: tuple[AskedWait, ...]
    """All questions, including those of child runs, in the order in which they were asked."""
    files: Mapping[str, bytes]
    """The contents of files that steps made or people sent during the run, keyed by file name."""
    refused: tuple[RefusedAnswer, ...]
    """Answers and signals that were refused, including those for child runs, in order of time."""
    subject: str
    """The run's subject, or "" if its procedure declares none."""
    took: timedelta
    """The time from the run's start to its last event.

    The last event is the run's end, or the start of a wait that is still open.
    """
    written: Mapping[str, str]
    """The text that each step wrote with `Step.write`, keyed by the step's key."""

    @property
    def prompts(self) -> list[str]:
        return [asked.prompt for asked in self.asked]

    @property
    def notices(self) -> list[str]:
        """The texts that the run posted to the chat, without those of `Step.write`."""
        notices = (event.content for event in self._of(EventKind.NOTICE))
        return [content["text"] for content in notices if "step" not in content]

    @property
    def steps(self) -> list[str]:
        """The keys of the successful steps, in the order in which the steps succeeded."""
        return [event.key for event in self._of(EventKind.STEP_SUCCEEDED)]

    @property
    def journal(self) -> list[str]:
        """The kind and key of each event: "step.succeeded load_order"."""
        return [f"{event.kind} {event.key}".strip() for event in self.events]

    def _of(self, kind: EventKind) -> Iterable[Event]:
        return (event for event in self.events if event.kind == kind)
