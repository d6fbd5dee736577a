"""Runs in lists with their states, read by a fixed number of queries."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import (
    BigIntegerField,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
)

from dashboard.overview.facts import Facts
from dashboard.overview.openings import STANDS, is_late, may_retry_for_long, openings_of
from dashboard.overview.states import State, cause_of, state_of
from dashboard.overview.waiting import OpenWait
from procedures import registry
from procedures.among import is_among
from procedures.engine.journal.events import EventKind, RunStatus
from procedures.engine.values import canonical
from procedures.models import Event, Grant, Run, RunInput
from procedures.models.clock import clock
from procedures.services.carriers import Code, long_queued, stranded, why_stranded
from procedures.store.compiled import CompiledRows, Place

AFTER_JOURNALS = 2**62
"""A number greater than that of any event, so that pending reassignments come after all events."""


@dataclass(frozen=True, eq=False)
class Listed:
    """A run in a list, with its state in words; the words are made when they are first needed."""

    run: Run
    facts: Facts

    @cached_property
    def state(self) -> State:
        return state_of(self.facts)

    @cached_property
    def cause(self) -> str:
        """A text that is equal for runs that are in their state for the same reason."""
        return cause_of(self.facts)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Listed):
            return NotImplemented
        return self.run == other.run and self.state == other.state

    def __hash__(self) -> int:
        return hash(self.run)


def listed_runs(
    runs: Iterable[Run],
    *,
    now: datetime | None = None,
    missing: Mapping[Code, str] | None = None,
) -> list[Listed]:
    """Return each run with its state, with a fixed number of queries.

    `now` is the current time, and `missing` is the result of `carriers.stranded`. Each of them is
    read if it isn't given.
    """
    found = list(runs)
    if not found:
        return []
    ids, now = [run.pk for run in found], now or clock.now()
    events = EventsOfLists(found, now)
    openings = openings_of(ids, given_by(events.given))
    answerers = answerers_for(found, openings)
    removed = versions_without_code(found)
    without_worker = stranded_among(found, now, missing)
    return [
        Listed(
            run,
            Facts(
                run,
                now,
                openings=openings.get(run.pk, ()),
                is_late=is_late(run, openings.get(run.pk, ()), now),
                failure=events.failures.get(run.pk, {}),
                cancelled=events.cancels.get(run.pk, {}),
                paused=events.pauses.get(run.pk, {}),
                answerers=answerers[run.procedure_id],
                last_at=events.newest.get(run.pk),
                stranded=without_worker.get(run.pk, ""),
                is_removed=run.version_id in removed,
            ),
        )
        for run in found
    ]


class _EventRow(NamedTuple):
    """A row of the query of `EventsOfLists`; `data` is "" if only the event's time is needed."""

    run: UUID
    seq: int
    kind: str
    key: str
    name: str
    at: datetime
    data: str


class EventsOfLists:
    """The few events from which the states of runs in a list are described, read by one query."""

    def __init__(self, found: Sequence[Run], now: datetime) -> None:
        self.failures: dict[UUID, dict[str, Any]] = {}
        """The content of the last failure of the step that a run retries, by the run's id.

        "since" in it is the time when this step first failed.
        """
        self.cancels: dict[UUID, dict[str, Any]] = {}
        """The content of the event that cancelled a run, by the run's id: who did it, and why."""
        self.pauses: dict[UUID, dict[str, Any]] = {}
        """The content of the last event that paused a run, by the run's id: who did it, and why."""
        self.newest: dict[UUID, datetime] = {}
        """The time of the newest event of each run, by the run's id."""
        self.given: list[tuple[UUID, dict[str, Any]]] = []
        """The reassignments of questions, oldest first: a run's id, and the event's content."""
        self._status = {run.pk: run.status for run in found}
        by_status = defaultdict[str, list[UUID]](list)
        for run in found:
            by_status[run.status].append(run.pk)
        runs = {
            "every": list(self._status),
            "paused": by_status[RunStatus.PAUSED],
            "retrying": by_status[RunStatus.RETRYING],
            "failing": [run.pk for run in found if may_retry_for_long(run, now)],
            "cancelled": by_status[RunStatus.CANCELLED],
        }
        query = _events_query(tuple([name for name, ids in runs.items() if ids]))
        for row in query.fetch(**runs):
            self._read(_EventRow(*row))

    def _read(self, row: _EventRow) -> None:
        if not row.data:
            self.newest[row.run] = row.at
            return
        content = canonical.plain(row.data)
        match row.kind:
            case EventKind.OPERATOR if row.name == "reassign":
                self.given.append((row.run, content))
            case EventKind.OPERATOR:
                self.pauses[row.run] = content
            case EventKind.STEP_FAILED:
                before = self.failures.get(row.run, {})
                since = before["since"] if before.get("step") == row.key else row.at
                self.failures[row.run] = {**content, "step": row.key, "since": since}
            case EventKind.RUN_CANCELLED:
                self.cancels[row.run] = content


@cache
def _events_query(kinds: tuple[str, ...]) -> CompiledRows:
    """Return the query of `EventsOfLists` for lists with runs of these kinds.

    The query is cached, because Django takes longer to build it than the database to execute it.
    """
    every = is_among("run", Place("every"))
    selections: list[QuerySet[Event]] = [Event.objects.filter(_by_operators("reassign"), every)]
    if "paused" in kinds:
        selections.append(_last(_by_operators("pause"), Place("paused")))
    if "retrying" in kinds:
        selections.append(_last(Q(kind=EventKind.STEP_FAILED), Place("retrying")))
    if "failing" in kinds:
        selections.append(_first_failures(Place("failing")))
    if "cancelled" in kinds:
        selections.append(_last(Q(kind=EventKind.RUN_CANCELLED), Place("cancelled")))
    # Only the time of the newest event is shown, so its data, which may be large, isn't read.
    newest = Event.objects.filter(every, seq=F("run__head__seq"))
    nothing = Value("", output_field=TextField())
    times = newest.order_by().values_list(*_EventRow._fields[:-1], nothing)
    parts = [part.order_by().values_list(*_EventRow._fields) for part in selections]
    return CompiledRows(lambda: times.union(*parts, _pending(), all=True).order_by("seq"))


def _last(condition: Q, runs: Place) -> QuerySet[Event]:
    """Return a query for the last event of each of these runs that fits the condition."""
    last = Event.objects.filter(condition, run=OuterRef("pk")).order_by("-seq")
    found = Run.objects.filter(is_among("pk", runs)).order_by()
    return Event.objects.filter(pk__in=found.values(last=Subquery(last.values("pk")[:1])))


def _first_failures(runs: Place) -> QuerySet[Event]:
    """Return a query for the first failure of the step that each of these runs is retrying."""
    failures = Event.objects.filter(kind=EventKind.STEP_FAILED)
    last = failures.filter(run=OuterRef("run")).order_by("-seq").values("key")[:1]
    first = failures.filter(run=OuterRef("pk"), key=Subquery(last)).order_by("seq")
    found = Run.objects.filter(is_among("pk", runs)).order_by()
    return Event.objects.filter(pk__in=found.values(first=Subquery(first.values("pk")[:1])))


def _by_operators(act: str) -> Q:
    return Q(kind=EventKind.OPERATOR, name=act)


def given_by(acts: Iterable[tuple[UUID, Mapping[str, Any]]]) -> dict[tuple[UUID, str], Any]:
    """Return the newest assignee of each reassigned question, by the ids of run and wait."""
    return {(run, data.get("wait", "")): {"assign": [data["to"]]} for run, data in acts}


def _pending() -> QuerySet[RunInput, Any]:
    """Return a query for reassignments that no worker has taken into the journal yet.

    Their numbers are greater than those of all events, so that they count as newer.
    """
    every = is_among("run", Place("every"))
    given = RunInput.objects.filter(_by_operators("reassign"), every).untaken().order_by()
    place = ExpressionWrapper(F("pk") + AFTER_JOURNALS, output_field=BigIntegerField())
    return given.values_list("run", place, "kind", "key", "name", "created_at", "data")


def content_of(one: RunInput) -> dict[str, Any]:
    content: dict[str, Any] = canonical.plain(one.data)
    return content


def stranded_among(
    runs: Iterable[Run], now: datetime, missing: Mapping[Code, str] | None = None
) -> dict[UUID, str]:
    """Return, for each run that has been queued for long, why no live worker can execute it.

    The results are keyed by the run's id. `missing` is the result of `carriers.stranded`; it is
    read only if it isn't given and a run has been queued for long.
    """
    before = now - long_queued()
    long_ago = [run for run in runs if run.queued_at and run.queued_at <= before]
    found = stranded(now) if long_ago and missing is None else missing or {}
    return {run.pk: why for run in long_ago if (why := why_stranded(run, found))}


def versions_without_code(runs: Iterable[Run]) -> set[int]:
    """Return the ids of the runs' versions that this process has no code for.

    Only runs that no worker executes now are looked at.
    """
    names, standing = registry.definitions(), [run for run in runs if run.status in STANDS]
    absent = {
        run.version_id
        for run in standing
        if run.version.file
        or run.procedure.name not in names  # a file's version needs its own text
    }
    if not absent:
        return absent
    here = registry.readable_versions().filter(pk__in=absent)
    return absent - set(here.values_list("pk", flat=True))


def answerers_for(
    runs: Iterable[Run], openings: Mapping[UUID, Iterable[OpenWait]]
) -> Mapping[int, list[str]]:
    """Return the result of `answerers_of` for procedures with an open, unassigned question."""
    asking = {
        run.procedure_id
        for run in runs
        if any(one.is_unassigned for one in openings.get(run.pk, ()))
    }
    return answerers_of(asking) if asking else defaultdict(list)


def answerers_of(procedures: Iterable[int]) -> Mapping[int, list[str]]:
    """Return the groups that may answer each procedure's requests, by the procedure's id.

    These groups are asked if a request has no assignee.
    """
    found: dict[int, list[str]] = defaultdict(list)
    grants = Grant.objects.filter(procedure__in=procedures, role="answer")
    for procedure, group in grants.values_list("procedure_id", "group__name"):
        found[procedure].append(group)
    return found
