"""The open waits of runs, the progress of sets of waits, and filters for stuck runs.

A set of waits ends when enough of its parts have ended, such as one of two questions.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import BigIntegerField, Count, Exists, OuterRef, Q, QuerySet, Subquery, Value

from chat.models import HumanRequest, HumanResponse
from dashboard.overview.rows import Row
from dashboard.overview.waiting import OpenWait, Progress
from dashboard.overview.words import is_person
from procedures import registry
from procedures.among import is_among
from procedures.engine.journal.events import EventKind, RunStatus
from procedures.engine.values import canonical
from procedures.models import Event, Procedure, ProcedureVersion, Run, Wait
from procedures.models.run_queries import silence
from procedures.models.wait import WaitQuerySet
from procedures.services.carriers import Code, long_queued
from procedures.store.compiled import CompiledRows, Place
from procedures.users import name_field

LATE = timedelta(minutes=1)
"""If something is overdue by more than this time, the clock process counts as stopped."""
LONG = timedelta(hours=1)
"""A run counts as stuck if its step has been failing for longer than this time."""
RECENT = timedelta(days=7)
"""The time after its end for which a failed run counts as stuck."""
STANDS = (RunStatus.QUEUED, RunStatus.WAITING, RunStatus.RETRYING)
"""Statuses of runs that no worker executes now, but that a worker with their code will continue."""
Given = Mapping[tuple[UUID, str], Mapping[str, Any]]


def without_code() -> list[Q]:
    """Return filters for unfinished runs whose code this process lacks; [] if it has all code."""
    removed = Procedure.objects.exclude(name__in=registry.definitions()).order_by()
    texts = ProcedureVersion.objects.exclude(file="").exclude(pk__in=registry.readable_versions())
    nothing = Value(None, output_field=BigIntegerField())
    rows: QuerySet[Any, Any] = removed.values_list("pk", nothing)
    rows = rows.union(texts.order_by().values_list("procedure", "pk"), all=True)
    gone, versions = list[int](), dict[int, int]()
    for procedure, version in rows:
        if version is None:
            gone.append(procedure)
        else:
            versions[version] = procedure
    standing, found = Q(status__in=STANDS), list[Q]()
    if gone:
        found.append(standing & Q(procedure__in=gone, version__file=""))
    if versions:
        found.append(standing & Q(procedure__in={*versions.values()}, version__in=versions))
    return found


WITHOUT_STORAGE = (RunStatus.QUEUED, RunStatus.RUNNING)
"""Statuses in which a run can be waiting for a file store or database that is unavailable."""


def without_workers(now: datetime, missing: Iterable[Code]) -> Iterator[Q]:
    """Yield filters for runs that have been queued for long, and whose code no live worker has."""
    for one in missing:
        is_long_queued = Q(status=RunStatus.QUEUED, queued_at__lte=now - long_queued())
        yield is_long_queued & Q(procedure=one.procedure, version__file=one.file)


def held_up(now: datetime, gone: Sequence[Q], missing: Iterable[Code]) -> list[Q]:
    """Return filters for queued, running and retrying runs that seem to need somebody's help.

    Runs that have retried a step for longer than `LONG` are included. `gone` is the result of
    `without_code`, and `missing` that of `carriers.stranded`.
    """
    return [
        Q(status__in=WITHOUT_STORAGE, is_left_without_storage=True),
        Q(status=RunStatus.RUNNING, reached_at__lte=now - silence()),
        Q(status=RunStatus.RETRYING, wake_at__lt=now - LATE),
        retrying_for_long(now),
        *gone,
        *without_workers(now, missing),
    ]


def retrying_for_long(now: datetime) -> Q:
    """Return a filter for retrying runs whose step first failed longer than `LONG` ago."""
    failures = Event.objects.filter(kind=EventKind.STEP_FAILED)
    last = failures.filter(run=OuterRef("run")).order_by("-seq").values("key")[:1]
    first = failures.filter(run=OuterRef("pk"), key=Subquery(last), at__lte=now - LONG)
    # Runs that began later are excluded by their own rows, because an outage causes many of them.
    is_old = Q(status=RunStatus.RETRYING, created_at__lte=now - LONG)
    return is_old & Q(Exists(first.order_by()))


def may_retry_for_long(run: Run, now: datetime) -> bool:
    """Return True if the run is retrying, and was created more than `LONG` ago."""
    return run.status == RunStatus.RETRYING and run.created_at <= now - LONG


def stuck(now: datetime, held: Sequence[Q]) -> list[Q]:
    """Return filters for all runs that need somebody's help, or that failed recently.

    `held` is the result of `held_up`. The filters stay separate conditions, so that the database
    can use a different index for each.
    """
    late = [waits.order_by().values("run") for waits in late_waits(now)]
    is_waiting = (Q(status=RunStatus.WAITING, pk__in=runs) for runs in late)
    return [*held, *STOPPED, failed_lately(now), *is_waiting]


STOPPED = (Q(status=RunStatus.QUARANTINED), Q(status=RunStatus.PAUSED))
"""Filters for the runs that don't continue until a person performs an operation on them."""


def late_waits(now: datetime) -> tuple[WaitQuerySet, WaitQuerySet]:
    """Return the waits that are overdue, and those whose held answer should have taken effect."""
    overdue = Wait.objects.undecided().filter(due_at__lt=now - LATE)
    return overdue, Wait.objects.to_settle(now - LATE)


def failed_lately(now: datetime) -> Q:
    return Q(status=RunStatus.FAILED, ended_at__gte=now - RECENT)


def is_late(run: Run, openings: Iterable[OpenWait], now: datetime) -> bool:
    """Return True if one of a waiting run's waits, or a retry, is overdue by more than `LATE`."""
    due = [one.due_at for one in openings] if run.status == RunStatus.WAITING else [run.wake_at]
    return any(at < now - LATE for at in due if at) and run.status in Run.SUSPENDED


def openings_of(ids: Sequence[UUID], given: Given) -> dict[UUID, list[OpenWait]]:
    """Return the open waits of each run, by the run's id: questions first, then in journal order.

    `given` contains the newest assignees of questions. This takes one query, up to two more if
    there are sets of waits, and one more if there are questions with votes.
    """
    waits = OPENINGS.fetch(runs=list(ids)) if ids else []
    progress = _progress_of([pk for pk, kind, *_ in waits if kind == Wait.Kind.SET])
    texts = {pk: canonical.plain(text) for pk, kind, _, _, text, *_ in waits if text}
    votes = votes_on(pk for pk, opened in texts.items() if is_voted_on(opened))
    found = defaultdict(list)
    for pk, kind, run, key, _text, at, due_at, part_of, held_for, held, until in waits:
        # Waits that are suspended by a held answer are left out; the held answer is shown instead.
        if kind != Wait.Kind.SET and held_for is None:
            opened = {**texts[pk], **given.get((run, key), {})}
            one = _opening(opened, at, due_at, part_of, progress, held=held, effective_at=until)
            found[run].append(replace(one, votes=votes.get(pk, ())))
    return found


def _openings() -> QuerySet[Wait, Any]:
    opening = Event.objects.filter(run=OuterRef("run"), seq=OuterRef("opened_seq"))
    found = Wait.objects.open().filter(is_among("run", Place("runs")))
    shown = found.annotate(
        is_other=~Q(kind=Wait.Kind.REQUEST),
        text=Subquery(opening.values("data")[:1]),
        opened_at=Subquery(opening.values("at")[:1]),
    )
    return shown.order_by("is_other", "opened_seq").values_list(
        *("pk", "kind", "run_id", "key", "text", "opened_at", "due_at", "part_of_id"),
        *("held_for_id", "held", "effective_at"),
    )


OPENINGS = CompiledRows(_openings)


def is_voted_on(opened: Mapping[str, Any]) -> bool:
    """Return True if several people must give the same answer to the question of this event."""
    return int(opened.get("quorum", 1)) > 1


def votes_on(waits: Iterable[int]) -> dict[int, list[str]]:
    """Return the names of the people whose votes count, for each wait, the earliest vote first."""
    found, asked = defaultdict[int, list[str]](list), list(waits)
    if asked:
        cast = HumanResponse.objects.filter(request__wait__in=asked, undone_at=None).order_by("pk")
        for wait, name in cast.values_list("request__wait", f"user__{name_field()}"):
            found[wait].append(name)
    return found


def _progress_of(sets: Sequence[int]) -> dict[int, Progress]:
    """Return the progress of each open set of waits, by the set's id.

    A part with an answer that can still be undone counts as ended.
    """
    if not sets:
        return {}
    is_decided = Q(parts__closed_at__isnull=False) | Q(parts__held_at__isnull=False)
    closed = Count("parts", filter=is_decided)
    counted = Wait.objects.filter(pk__in=sets).annotate(done=closed).order_by()
    rows = list(counted.values_list("pk", "need", "done"))
    people = defaultdict[int, list[str]](list)
    if any(done for _pk, _need, done in rows):
        answered = HumanRequest.objects.filter(wait__part_of__in=sets, status="answered")
        names = answered.order_by("wait__opened_seq").values_list("wait__part_of", "closed_by")
        for key, name in names:
            people[key or 0].append(name)
    return {pk: Progress(done, need or 0, people[pk]) for pk, need, done in rows}


def openings_in(
    rows: Sequence[Row], waits: Iterable[Wait], votes: Mapping[int, Sequence[str]]
) -> list[OpenWait]:
    """Return the open waits of one run, made from the rows of its page without a query."""
    sets = [wait for wait in waits if wait.kind == Wait.Kind.SET and wait.is_open]
    progress = {one.pk: _progress_in(one, rows) for one in sets}
    is_told = (row for row in rows if row.wait and row.wait.is_open and not row.wait.held_for_id)
    found = [(row, row.wait) for row in is_told if row.wait]
    found.sort(key=lambda pair: pair[0].kind != "question")
    return [
        replace(
            _opening(
                row.opened,
                row.begin,
                wait.due_at,
                wait.part_of_id,
                progress,
                held=wait.held,
                effective_at=wait.effective_at,
            ),
            votes=votes.get(wait.pk, ()),
        )
        for row, wait in found
    ]


def _progress_in(opened: Wait, rows: Iterable[Row]) -> Progress:
    """Return the progress of an open set of waits, made from the rows of its run's page."""
    parts = [(row, row.wait) for row in rows if row.wait and row.wait.part_of_id == opened.pk]
    ended = [(row, wait) for row, wait in parts if not wait.is_open or wait.held]
    closings = [canonical.plain(wait.held) if wait.held else row.closed for row, wait in ended]
    names = [str(one.get("responder", "")) for one in closings]
    return Progress(len(ended), opened.need or 0, [name for name in names if is_person(name)])


def _opening(  # noqa: PLR0913 (the cells of a row)
    opened: Mapping[str, Any],
    at: datetime | None,
    due_at: datetime | None,
    part_of: int | None,
    progress: Mapping[int, Progress],
    *,
    held: str,
    effective_at: datetime | None,
) -> OpenWait:
    if held:
        answered_by = str(canonical.plain(held)["responder"])
        return OpenWait(opened, at, answered_by=answered_by, effective_at=effective_at)
    if part_of is None or part_of not in progress:  # a decided set needs no other waits
        return OpenWait(opened, at, due_at)
    return OpenWait(opened, at, due_at, part_of, progress[part_of])
