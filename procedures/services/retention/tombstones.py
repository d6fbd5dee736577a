"""Verification of the tombstones of removed runs."""

from collections.abc import Iterator

from procedures.models import Installation, Run, Tombstone
from procedures.models.proofs import number_of
from procedures.models.tallies import is_proven_tally, lacking
from procedures.models.tombstone import OWNER, REMOVED
from procedures.services.differences import Difference, proof_differences, row_name
from procedures.services.missing import numbers_missing


def tombstone_differences() -> Iterator[Difference]:
    """Yield the changed tombstones, the missing ones, and those of runs that still exist."""
    # The count is read first: a tombstone that is inserted meanwhile is no difference.
    site = Installation.current()
    rows = Tombstone.objects.order_by("pk")
    yield from proof_differences(rows.iterator(), [])
    numbers = [number_of(one) for one in rows.only("pk", "proof").iterator()]
    name = row_name(site)
    is_counted = bool(site.removed or site.removed_proof or numbers)
    if is_counted and not is_proven_tally(REMOVED, OWNER, site.removed, site.removed_proof):
        yield Difference(name, REMOVED)
    if left := lacking(numbers, site.removed):
        yield Difference(name, REMOVED, numbers_missing("removed runs", left, site.removed))
    for found in rows.filter(pk__in=Run.objects.order_by().values("pk")):
        yield Difference(row_name(found), "id", "the run that it says was removed still exists")
