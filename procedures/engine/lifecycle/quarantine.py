"""How a run is held that cannot go on: what is wrong, and what helps."""

from typing import Any

from procedures.engine.errors import Interruption, Mismatch
from procedures.engine.journal.events import EventKind, Handoff, NewEvent, RunStatus
from procedures.engine.values import canonical

Ending = tuple[Handoff, tuple[NewEvent, ...]]
"""How a claim's work ends."""
BRING_BACK = "Bring back code that fits and retry, or cancel the run."


def quarantined(interruption: Interruption, *, remedy: str = "") -> Ending:
    """How a run ends for now that cannot go on: what is wrong, and what helps."""
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
