"""The open waits of runs, how many parts a set still needs, and the runs that are stuck."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, F, OuterRef, Q, Subquery

from dashboard.overview.rows import Row
from dashboard.overview.waiting import OpenWait
from procedures import registry
from procedures.engine.journal.events import RunStatus
from procedures.engine.values import canonical
from procedures.models import Event, Procedure, ProcedureVersion, Run, Wait
from procedures.models.run_queries import silence
from procedures.services.carriers import long_queued, stranded

LATE = timedelta(minutes=1)
"""The delay after which something due is overdue, so the clock process can't be running."""
RECENT = timedelta(days=7)
"""The age up to which a failed run counts as stuck; older failures are history."""
STANDS = (RunStatus.QUEUED, RunStatus.WAITING, RunStatus.RETRYING)
"""Statuses of runs that no worker has claimed and that only their code can continue."""
Given = Mapping[tuple[UUID, str], Mapping[str, Any]]


def without_code() -> list[Q]:
    """Return filters for unfinished runs whose code is missing here; usually there are none."""
    names = registry.definitions()
    gone = list(Procedure.objects.exclude(name__in=names).values_list("pk", flat=True))
    texts = ProcedureVersion.objects.exclude(file="").exclude(pk__in=registry.texts_here())
    versions = dict(texts.order_by().values_list("pk", "procedure"))
    standing, found = Q(status__in=STANDS), list[Q]()
    if gone:
        found.append(standing & Q(procedure__in=gone, version__file=""))
    if versions:
        found.append(standing & Q(procedure__in={*versions.values()}, version__in=versions))
    return found


WITHOUT_STORAGE = (RunStatus.QUEUED, RunStatus.RUNNING)
"""Statuses in which a run may wait for its storage to be available again."""


def without_workers(now: datetime) -> Iterator[Q]:
    """Yield filters for queued runs whose code no live worker has."""
    for one in stranded(now):
        is_long_queued = Q(status=RunStatus.QUEUED, queued_at__lte=now - long_queued())
        yield is_long_queued & Q(procedure=one.procedure, version__file=one.file)


def held_up(now: datetime, gone: Sequence[Q]) -> list[Q]:
    """Return filters for queued, running and retrying runs that won't continue without help.

    `gone` are the filters of `without_code`.
    """
    return [
        Q(status__in=WITHOUT_STORAGE, is_left_without_storage=True),
        Q(status=RunStatus.RUNNING, reached_at__lte=now - silence()),
        Q(status=RunStatus.RETRYING, wake_at__lt=now - LATE),
        *gone,
        *without_workers(now),
    ]


def stuck(now: datetime, held: Sequence[Q]) -> list[Q]:
    """Return filters for all runs that won't continue without help, or failed recently.

    `held` are the filters of `held_up`. Each follows an index of its own, so they are not one
    condition.
    """
    overdue = Wait.objects.undecided().filter(due_at__lt=now - LATE)
    unsettled = Wait.objects.to_settle(now - LATE)
    return [
        *held,
        Q(status=RunStatus.QUARANTINED),
        Q(status=RunStatus.FAILED, ended_at__gte=now - RECENT),
        Q(status=RunStatus.WAITING, pk__in=overdue.order_by().values("run")),
        Q(status=RunStatus.WAITING, pk__in=unsettled.order_by().values("run")),
    ]


def is_late(run: Run, openings: Iterable[OpenWait], now: datetime) -> bool:
    """Return True if a wait or a retry of the run has been due for longer than `LATE`."""
    due = [one.due_at for one in openings] if run.status == RunStatus.WAITING else [run.wake_at]
    return any(at < now - LATE for at in due if at) and run.status in Run.SUSPENDED


def openings_of(ids: Sequence[UUID], given: Given) -> dict[UUID, list[OpenWait]]:
    """Return the open waits by run: questions first, then in journal order.

    Costs one query, and another one if some of the waits are sets.
    """
    opening = Event.objects.filter(run=OuterRef("run"), seq=OuterRef("opened_seq"))
    rows = (
        Wait.objects.open()
        .filter(run__in=ids)
        .annotate(
            is_other=~Q(kind=Wait.Kind.REQUEST),
            text=Subquery(opening.values("data")[:1]),
            opened_at=Subquery(opening.values("at")[:1]),
        )
        .order_by("is_other", "opened_seq")
        .values_list(
            *("pk", "kind", "run_id", "key", "text", "opened_at", "due_at", "part_of_id"),
            *("held_for_id", "held", "effective_at"),
        )
    )
    waits = list(rows)
    needs = _needs([pk for pk, kind, *_ in waits if kind == Wait.Kind.SET])
    found = defaultdict(list)
    for _pk, kind, run, key, text, at, due_at, part_of, held_for, held, until in waits:
        # What a held answer makes unneeded is left out: that answer is told instead.
        if kind != Wait.Kind.SET and held_for is None:
            opened = {**canonical.plain(text), **given.get((run, key), {})}
            one = _opening(opened, at, due_at, part_of, needs, held=held, effective_at=until)
            found[run].append(one)
    return found


def _needs(sets: Sequence[int]) -> dict[int, int]:
    """Map each open set to the number of its waits that must still close or be answered."""
    if not sets:
        return {}
    is_decided = Q(parts__closed_at__isnull=False) | Q(parts__held_at__isnull=False)
    closed = Count("parts", filter=is_decided)
    left = Wait.objects.filter(pk__in=sets).annotate(left=F("need") - closed).order_by()
    return dict(left.values_list("pk", "left"))


def openings_in(rows: Iterable[Row], waits: Sequence[Wait]) -> list[OpenWait]:
    """Return the open waits of one run from the rows of its page, without a query."""
    sets = [wait for wait in waits if wait.kind == Wait.Kind.SET and wait.is_open]
    closed = [wait.part_of_id for wait in waits if not wait.is_open or wait.held]
    needs = {one.pk: (one.need or 0) - closed.count(one.pk) for one in sets}
    is_told = (row for row in rows if row.wait and row.wait.is_open and not row.wait.held_for_id)
    found = [(row, row.wait) for row in is_told if row.wait]
    found.sort(key=lambda pair: pair[0].kind != "question")
    return [
        _opening(
            row.opened,
            row.begin,
            wait.due_at,
            wait.part_of_id,
            needs,
            held=wait.held,
            effective_at=wait.effective_at,
        )
        for row, wait in found
    ]


def _opening(  # noqa: PLR0913 (the cells of a row)
    opened: Mapping[str, Any],
    at: datetime | None,
    due_at: datetime | None,
    part_of: int | None,
    needs: Mapping[int, int],
    *,
    held: str,
    effective_at: datetime | None,
) -> OpenWait:
    if held:
        answered_by = str(canonical.plain(held)["responder"])
        return OpenWait(opened, at, answered_by=answered_by, effective_at=effective_at)
    if part_of not in needs:  # what is decided asks for no others
        part_of = None
    return OpenWait(opened, at, due_at, part_of, needs.get(part_of, 0) if part_of else 0)
