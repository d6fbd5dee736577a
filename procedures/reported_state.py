"""The state, stage and progress of a run, as the run's code has reported them."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Max, Q, Sum
from django.db.models.functions import Length

from procedures.conf import conf
from procedures.engine.journal.events import EventKind
from procedures.engine.journal.large import ELSEWHERE
from procedures.files import whole_content
from procedures.models import Event, Run
from procedures.models.event import SHOWN, EventQuerySet

ASIDE = f'"value{ELSEWHERE}":'
"""Words in the data of a state event whose value is stored outside the journal."""


@dataclass(frozen=True)
class ReportedState:
    """The state, stage and progress of a run, as its code has last reported them."""

    state: dict[str, Any] | None
    """The values of `ctx.state`, keyed by name; None if they are large."""
    stage: Event | None
    """The event of the stage that was reported last."""
    progress: Event | None
    """The event of the progress that was reported last, by the code or by a step."""


def reported_state_of(run: Run) -> ReportedState:
    """Return the run's state, stage and progress, without a state above `LARGE_VALUE_BYTES`."""
    shown = run.events.filter(seq__gt=run.base_seq, kind__in=SHOWN).aggregate(
        stage=Max("seq", filter=Q(kind=EventKind.STAGE)),
        progress=Max("seq", filter=Q(kind=EventKind.PROGRESS)),
        state=Max("seq", filter=Q(kind=EventKind.STATE)),
    )
    seqs = [seq for seq in (shown["stage"], shown["progress"]) if seq]
    found = {one.seq: one for one in run.events.filter(seq__in=seqs)} if seqs else {}
    stage, progress = found.get(shown["stage"]), found.get(shown["progress"])
    return ReportedState(_small_state(run) if shown["state"] else {}, stage, progress)


def state_of(run: Run) -> dict[str, Any]:
    """Return all values of `ctx.state`, keyed by name, including large ones."""
    changes = (whole_content(event.content) for event in _changes_of(run).order_by("seq"))
    return {one["name"]: one["value"] for one in changes if not one.get("gone")}


def _small_state(run: Run) -> dict[str, Any] | None:
    sizes = _changes_of(run).aggregate(
        length=Sum(Length("data")), aside=Count("seq", filter=Q(data__contains=ASIDE))
    )
    is_large = (sizes["length"] or 0) > conf.LARGE_VALUE_BYTES or sizes["aside"]
    return None if is_large else state_of(run)


def _changes_of(run: Run) -> EventQuerySet:
    """Return the latest state event for each name in `ctx.state`.

    Changes that a branch of a gather makes are included when the branch has been merged.
    """
    kept = run.events.filter(seq__gt=run.base_seq)
    own = kept.filter(kind=EventKind.STATE).exclude(key__contains="/")
    return kept.filter(
        seq__in=own.order_by().values("name").annotate(last=Max("seq")).values("last")
    )
