"""The parts of a run that pages and cards read.

These are its journal, its waits, and what others have sent to it since its last turn.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Q, Subquery
from django.utils.translation import gettext as _

from dashboard.overview.bars import WORK
from dashboard.overview.facts import Facts
from dashboard.overview.lists import (
    EventsOfLists,
    content_of,
    given_by,
    stranded_among,
    versions_without_code,
)
from dashboard.overview.openings import (
    STANDS,
    Given,
    is_late,
    is_voted_on,
    openings_in,
    openings_of,
)
from dashboard.overview.rows import Reader, Row, StepOutput
from dashboard.overview.waiting import OpenWait
from procedures.engine.execution.spending import SPENT, added
from procedures.engine.journal.events import Event as JournalEvent
from procedures.engine.journal.events import EventKind, RunStatus
from procedures.engine.replay.history import UNDO
from procedures.models import Event, Run, RunInput, Wait
from procedures.services import why_queued
from procedures.services.carriers import long_queued


@dataclass
class Reading:
    """The journal and waits of a run, and what it hasn't taken yet, read at one point in time."""

    run: Run
    now: datetime
    events: Sequence[JournalEvent]
    waits: Sequence[Wait]
    inputs: Sequence[RunInput]
    """The answers and reassignments that no worker has taken into the journal yet."""
    events_of_lists: EventsOfLists | None = None
    """The events from which lists describe states; None if the whole journal was read."""
    opened_before: list[OpenWait] = field(default_factory=list)
    """All open waits, if only the end of the journal was read; the end may lack their events."""

    @property
    def is_cut(self) -> bool:
        return self.events_of_lists is not None

    @cached_property
    def untaken(self) -> dict[str, dict[str, Any]]:
        """The content of each answer that isn't in the journal yet, by the key of its wait.

        No worker has taken these answers yet.
        """
        closed = (one for one in self.inputs if one.kind == EventKind.WAIT_CLOSED)
        return {one.key: content_of(one) for one in closed}

    @cached_property
    def rows(self) -> list[Row]:
        reader = Reader(self.waits)
        for event in self.events:
            reader.read(event)
        reader.read_present(self.run, self.untaken)
        rows, given = reader.finish(self.run.ended_at), self._given
        for row in rows:
            row.opened |= given.get((self.run.pk, row.key), {})
        return rows

    @property
    def _given(self) -> Given:
        if self.events_of_lists:
            return given_by(self.events_of_lists.given)
        acts = [event.content for event in self.events if _is_reassigning(event)]
        acts += [content_of(one) for one in self.inputs if _is_reassigning(one)]
        return given_by((self.run.pk, content) for content in acts)

    def openings(self, votes: Mapping[int, Sequence[str]]) -> list[OpenWait]:
        """Return the run's open waits; `votes` maps a wait's id to the names of those who voted."""
        return self.opened_before if self.is_cut else openings_in(self.rows, self.waits, votes)

    def voted_on(self) -> Iterator[int]:
        """Yield the ids of the open waits for questions on which several people vote."""
        for row in () if self.is_cut else self.rows:
            if row.wait and row.wait.is_open and is_voted_on(row.opened):
                yield row.wait.pk

    @cached_property
    def spent(self) -> dict[str, Decimal]:
        """The amounts that the steps have spent, by unit, such as "tokens".

        Failed attempts count, too.
        """
        reports = (event for event in self.events if event.kind == EventKind.PROGRESS)
        return added(event.content.get("spent", {}) for event in reports if SPENT in event.data)

    @property
    def steps(self) -> int:
        return sum(row.kind == "step" for row in self.rows)

    @property
    def worked(self) -> timedelta:
        work = [part for row in self.rows for part in row.segments if part.kind in WORK]
        return sum(((part.end or self.now) - part.begin for part in work), timedelta())


class Hindrances:
    """Reasons why runs don't continue, such as missing code, that aren't in the runs' journals."""

    def __init__(self, runs: Collection[Run], now: datetime) -> None:
        before = now - long_queued()
        queued = (run for run in runs if run.status == RunStatus.QUEUED)
        long_ago = [run for run in queued if run.queued_at and run.queued_at <= before]
        # The reason concerns the workers, so it is the same for all runs that wait for a worker.
        why = why_queued(long_ago[0], now=now) if long_ago else ""
        self.hindrances = {run.pk: why for run in long_ago}
        self.stranded = stranded_among(runs, now)
        self.removed = versions_without_code(runs)


def read_run(run: Run, now: datetime) -> Reading:
    """Read the whole journal of a run, its waits, and the sets to which the waits belong."""
    events = run.events.all().journal()
    waits = list(run.waits.prefetch_related("part_of__parts"))
    inputs = _new_inputs([run.pk] if _may_have_new(run, waits, events) else [])
    return Reading(run, now, events, waits, inputs[run.pk])


def read_runs(runs: Sequence[Run], now: datetime, *, most: int) -> list[Reading]:
    """Read the last `most` events and the waits of each run, with a fixed number of queries.

    From the earlier part of a longer journal, only the event that began its last stage is read, and
    the events with which lists describe the state of a run.
    """
    after = {run.pk: run.head_seq - most for run in runs if run.head_seq > most}
    whole = [run.pk for run in runs if run.pk not in after]
    events = Event.objects.filter(_last(whole, after, "seq")).by_run()
    waits = defaultdict[UUID, list[Wait]](list)
    for wait in Wait.objects.filter(_last(whole, after, "opened_seq")):
        waits[wait.run_id].append(wait)
    standing = (run for run in runs if run.pk not in after)
    news = _new_inputs(
        run.pk for run in standing if _may_have_new(run, waits[run.pk], events[run.pk])
    )
    found = [Reading(run, now, events[run.pk], waits[run.pk], news[run.pk]) for run in runs]
    if after:
        _add_lists([one for one in found if one.run.pk in after], now)
    return found


def _last(whole: Collection[UUID], after: Mapping[UUID, int], number: str) -> Q:
    """Return a condition for all rows of the runs `whole`, and for the last rows of other runs.

    `after` maps the id of each other run to a number; rows with greater numbers match. `number` is
    the name of the field with a row's number. Each part of the condition is a range of an index.
    """
    found = Q(run__in=whole)
    for run, last in after.items():
        found |= Q(("run", run), (f"{number}__gt", last))
    return found


def _add_lists(cut: Sequence[Reading], now: datetime) -> None:
    """Add the earlier events and open waits that a page needs to each reading of a long journal."""
    runs = [one.run for one in cut]
    ids, events = [run.pk for run in runs], EventsOfLists(runs, now)
    openings, stages = openings_of(ids, given_by(events.given)), _last_stages(ids)
    for one in cut:
        one.events_of_lists, one.opened_before = events, openings.get(one.run.pk, [])
        first = one.events[0].seq
        earlier = [event for event in stages[one.run.pk] if event.seq < first]
        one.events = [*earlier, *one.events]


def _last_stages(ids: Collection[UUID]) -> dict[UUID, list[JournalEvent]]:
    stages = Event.objects.filter(run=OuterRef("pk"), kind=EventKind.STAGE).order_by("-seq")
    runs = Run.objects.filter(pk__in=ids).order_by()
    last = runs.values(event=Subquery(stages.values("pk")[:1]))
    return Event.objects.filter(pk__in=last).by_run()


def _is_reassigning(one: JournalEvent | RunInput) -> bool:
    return one.kind == EventKind.OPERATOR and one.name == "reassign"


def _may_have_new(run: Run, waits: Iterable[Wait], events: Iterable[JournalEvent]) -> bool:
    """Return False if no answer or other `RunInput` can be missing from the journal.

    That is so if the run has ended, or if it had no open wait when `waits` and `events` were read.
    So most cards and pages need no query for rows of `RunInput`.
    """
    opening = {EventKind.WAIT_OPENED, EventKind.CHILD_STARTED}
    opened = sum(event.kind in opening for event in events)
    closed = sum(event.kind == EventKind.WAIT_CLOSED for event in events)
    are_open = sum(wait.is_open for wait in waits)
    return not run.ended_at and not (opened - closed == are_open == 0)


def _new_inputs(runs: Iterable[UUID]) -> dict[UUID, list[RunInput]]:
    """Return the answers and reassignments that no worker has taken yet, by the run's id."""
    found, ids = defaultdict[UUID, list[RunInput]](list), list(runs)
    pending = Q(kind=EventKind.WAIT_CLOSED) | Q(kind=EventKind.OPERATOR, name="reassign")
    if ids:
        for one in RunInput.objects.filter(pending, run__in=ids).untaken():
            found[one.run_id].append(one)
    return found


def facts_of(
    read: Reading, openings: Sequence[OpenWait], standing: Hindrances, answerers: Sequence[str]
) -> Facts:
    run, now, events, rows = read.run, read.now, read.events, read.rows
    running = next((row for row in reversed(rows) if row.look == "running"), None)
    answered = next((row for row in reversed(rows) if row.key in read.untaken), None)
    facts = Facts(
        run,
        now,
        openings=openings,
        is_late=is_late(run, openings, now),
        failure=_failure_of(read),
        answered={**answered.opened, **answered.closed} if answered else {},
        cancelled=events[-1].content if events[-1].kind == EventKind.RUN_CANCELLED else {},
        paused=_pause_of(read) if run.status == RunStatus.PAUSED else {},
        progress=_told(running.output) if running and running.output else "",
        hindrance=standing.hindrances.get(run.pk, ""),
        stranded=standing.stranded.get(run.pk, ""),
        is_removed=run.status in STANDS and run.version_id in standing.removed,
        answerers=answerers,
        last_at=events[-1].at if events else None,
    )
    if not read.is_cut:
        _count_work(facts, read)
    return facts


def _count_work(facts: Facts, read: Reading) -> None:
    done = [row for row in read.rows if row.kind == "step" and row.look == "done"]
    facts.undone = sum(row.key.startswith(UNDO) for row in done)
    facts.kept = len(done) - facts.undone
    since = max(read.run.base_seq, read.run.carried_seq)
    later = (event for event in read.events if event.seq > since)
    facts.to_undo = sum(event.kind == EventKind.COMPENSATION for event in later)
    facts.answers = sum(row.kind == "question" for row in read.rows)
    facts.others = sum(row.kind in {"timer", "signal", "child"} for row in read.rows)


def _failure_of(read: Reading) -> dict[str, Any]:
    if read.events_of_lists:
        return read.events_of_lists.failures.get(read.run.pk, {})
    failing = next((row for row in reversed(read.rows) if row.look == "retrying"), None)
    if failing is None:
        return {}
    first, last = failing.attempts[0], failing.attempts[-1]
    return {**last.data, "step": failing.key, "since": first.end}


def _pause_of(read: Reading) -> dict[str, Any]:
    if read.events_of_lists:
        return read.events_of_lists.pauses.get(read.run.pk, {})
    paused = (event for event in reversed(read.events) if event.kind == EventKind.OPERATOR)
    return next((event.content for event in paused if event.name == "pause"), {})


def _told(output: StepOutput) -> str:
    """Return a phrase about what a running step has reported: its progress and its last line."""
    writes = _("writing a text") if output.is_writing else ""
    return ", ".join(filter(None, [output.counts, output.lines[-1] if output.lines else writes]))
