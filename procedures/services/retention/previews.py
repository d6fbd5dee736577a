"""Previews of a removal: what would go now, what would be kept, and why."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, Max, Min, Sum

from procedures import hooks
from procedures.among import is_among
from procedures.models import Artifact, Procedure, Run
from procedures.models.clock import clock
from procedures.models.retention import days_by_procedure
from procedures.services.retention.families import batches_of_candidates
from procedures.services.retention.reasons import Reason, reasons_to_keep
from procedures.services.retention.rings import families_of

MOST_LOOKED_AT = 5_000
"""The maximum number of families that a preview looks at, so that a page gets it in time."""
MOST_AT_ONCE = 500


@dataclass
class Preview:
    """The runs that a retention would remove now, and those that it would have to keep."""

    days: int
    runs: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    """The numbers of "requests", "messages", "files" and "bytes" that would be removed."""
    kept: Counter[str] = field(default_factory=Counter)
    """The numbers of runs that are kept, by the kind of the reason."""
    holds: Counter[str] = field(default_factory=Counter)
    """The numbers of runs that legal holds keep, by what is held."""
    oldest: datetime | None = None
    newest: datetime | None = None
    is_partial: bool = False
    """True if only the first `MOST_LOOKED_AT` of the runs were looked at."""

    def keep(self, reason: Reason, runs: int) -> None:
        self.kept[reason.kind] += runs
        if reason.hold:
            self.holds[str(reason.hold.subject)] += runs

    def remove(self, runs: list[UUID]) -> None:
        self.runs += len(runs)
        for look in hooks.counted:
            self.counts.update(look(runs))
        own = Artifact.objects.filter(is_among("run", runs)).order_by()
        found = own.aggregate(files=Count("pk"), bytes=Sum("size"))
        self.counts.update({name: count or 0 for name, count in found.items()})
        ends = Run.objects.filter(is_among("pk", runs)).aggregate(Min("ended_at"), Max("ended_at"))
        self.oldest = min(filter(None, [self.oldest, ends["ended_at__min"]]), default=None)
        self.newest = max(filter(None, [self.newest, ends["ended_at__max"]]), default=None)


def preview(procedure: Procedure, days: int) -> Preview:
    """Return what would be removed now if the procedure's runs were kept for this many days.

    Nothing is changed. Families are judged by the same functions as in the removal itself. With
    0 days, everything is kept.
    """
    found, now = Preview(days), clock.now()
    rules = days_by_procedure() | {procedure.pk: days}
    if not days:
        return found
    seen, looked_at = set[UUID](), 0
    limit = now - timedelta(days=days)
    for rows in batches_of_candidates(procedure.pk, limit, size=MOST_AT_ONCE):
        if looked_at >= MOST_LOOKED_AT:
            found.is_partial = True
            break
        looked_at += len(rows)
        _judge(found, (run for _, run in rows if run not in seen), seen, now, rules)
    return found


def _judge(
    found: Preview, runs: Iterable[UUID], seen: set[UUID], now: datetime, rules: dict[int, int]
) -> None:
    families = families_of(runs)
    reasons = reasons_to_keep(families, now, rules)
    going = list[UUID]()
    for family in families:
        seen.update(family.members)
        if reason := reasons.get(family.key):
            found.keep(reason, len(family.members))
        else:
            going += family.members
    if going:
        found.remove(going)
