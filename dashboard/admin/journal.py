"""The entries of the admin's "History" page that come from a run's journal.

They are the start and the end of the run, operator actions and closed waits.
"""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from dashboard.overview.lines import line_of
from procedures.engine.journal.events import EventKind
from procedures.engine.journal.seals import ENDS
from procedures.models import Event, Run

TOLD = [EventKind.RUN_STARTED, *ENDS, EventKind.OPERATOR, EventKind.WAIT_CLOSED]
MOST = 200


@dataclass(frozen=True)
class JournalLine:
    """One event of a run's history: when it happened, who caused it and what it was."""

    seq: int
    at: datetime
    who: str
    words: str


def history_of(run: Run) -> list[JournalLine]:
    """Return the run's events of the kinds in `TOLD`, newest first.

    At most `MOST` + 1 events are returned, so that the caller can tell whether there are more than
    `MOST`.
    """
    events = Event.objects.filter(run=run, kind__in=TOLD).order_by("-seq")
    return [_line(event) for event in events[: MOST + 1]]


def _line(event: Event) -> JournalLine:
    line, content = line_of(event), event.content
    number = content.get("responder_id") or content.get("by_id")
    who = _("{name} (id {number})").format(name=line.actor, number=number) if number else line.actor
    reason = content.get("reason") if event.kind == EventKind.OPERATOR else ""
    words = str(line.words)
    text = f"{words}: {reason}" if reason and str(reason) not in words else words
    return JournalLine(event.seq, event.at, who, text)
