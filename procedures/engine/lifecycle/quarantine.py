"""The quarantine of a run that can't continue: the run stores the problem and a remedy."""

from typing import Any

from procedures.engine.errors import Interruption, Mismatch
from procedures.engine.journal.events import EventKind, Handoff, NewEvent, RunStatus
from procedures.engine.values import canonical

Ending = tuple[Handoff, tuple[NewEvent, ...]]
"""The end of a claim: the handoff that releases the run, and the events that are stored with it."""
BRING_BACK = "Deploy code that fits the journal and retry, or cancel the run."


def quarantined(interruption: Interruption, *, remedy: str = "") -> Ending:
    """Return the `Ending` of a claim that quarantines its run, with the problem and a remedy.

    `remedy` is a sentence for operators; by default, the interruption's own remedy or a general
    one.
    """
    content: dict[str, Any] = {
        "type": type(interruption).__name__,
        "message": canonical.legible(str(interruption)),
        "remedy": remedy or getattr(interruption, "remedy", "") or BRING_BACK,
    }
    if isinstance(interruption, Mismatch):
        content |= {"kept": list(interruption.kept), "asked": list(interruption.asked)}
        content |= {"unread": list(interruption.unread), "changed": interruption.changed}
    draft = NewEvent(EventKind.RUN_QUARANTINED, data=content)
    return Handoff(RunStatus.QUARANTINED, error=content), (draft,)
