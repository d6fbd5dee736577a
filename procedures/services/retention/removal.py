"""The removal of one family of runs, in one transaction."""

from datetime import datetime
from uuid import UUID

from procedures import hooks
from procedures.among import is_among
from procedures.models import ChosenRun, Run, Tombstone
from procedures.models.clock import clock
from procedures.models.retention import days_by_procedure
from procedures.services.retention.contents import contents_of, note_unused
from procedures.services.retention.families import Family
from procedures.services.retention.reasons import Reason, reasons_to_keep
from procedures.services.retention.rings import families_of
from procedures.store.named_locks import lock_name
from procedures.transactions import service_atomic


def lock_holds() -> None:
    """Wait for other transactions that place holds or remove runs; later ones wait for this."""
    lock_name("legal holds")


@service_atomic
def remove_family(run_id: UUID) -> tuple[int, Reason | None]:
    """Remove a run and its family, unless there is a reason to keep them.

    Returns the number of removed runs, and the reason to keep the family, or None. Locks the holds,
    then all runs of the family, and finally their sessions; everything is decided under these
    locks. If the run has been removed meanwhile, nothing happens.
    """
    lock_holds()
    family = _lock_family(run_id)
    if family is None:
        return 0, None
    days, now = days_by_procedure(), clock.now()
    if reason := reasons_to_keep([family], now, days).get(family.key):
        return 0, reason
    _remove(family, now, days)
    return len(family.members), None


def _lock_family(run_id: UUID) -> Family | None:
    """Lock all runs of a family, parents before their children, and return the family.

    A fork locks its origin, and a child its parent. So once all runs are locked, none is added.
    """
    locked = set[UUID]()
    while True:
        [*found] = families_of([run_id])
        if not found:
            return None
        if locked.issuperset(found[0].members):
            return found[0]
        rows = Run.objects.filter(is_among("pk", found[0].members)).order_by("pk")
        # As strong as a DELETE, so that nobody can insert a row that refers to the run.
        locked |= set(rows.select_for_update(of=("self",)).values_list("pk", flat=True))


def _remove(family: Family, now: datetime, days: dict[int, int]) -> None:
    rows = Run.objects.filter(is_among("pk", family.members)).order_by("pk")
    runs = list(rows.select_related("procedure", "version", "head"))
    digests = contents_of([run.pk for run in runs])
    tombstones = [_tombstone(run, family, now, days) for run in runs]
    for remove in hooks.removals:
        digests.update(remove(runs, tombstones))
    note_unused(digests)
    # A job that has chosen one of these runs keeps its row, and reports that the run is gone.
    ChosenRun.objects.filter(is_among("job", family.members)).delete()
    Run.objects.filter(is_among("pk", family.members)).delete()
    # This comes last, because it locks the row on which the clock process notes its sweeps. The
    # database checks references to the tombstones at the commit.
    Tombstone.insert(tombstones)


def _tombstone(run: Run, family: Family, now: datetime, days: dict[int, int]) -> Tombstone:
    top = family.top_of(run.pk)
    return Tombstone.of(run, top=top.pk, removed_at=now, days=days[top.procedure])
