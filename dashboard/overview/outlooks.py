"""The lists of several people's home pages, read with a fixed number of queries."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from chat.services import requests_without_answerers
from dashboard.overview.openings import held_up, stuck, without_code
from dashboard.overview.outlook import (
    LONGEST_LIST,
    MOST_STUCK,
    HomeLists,
    coming_waits,
    first_due,
    moving,
    newest_of,
)
from procedures import access
from procedures.models import Procedure, Run
from procedures.run_lists import STATES, WORKING
from procedures.services.carriers import stranded
from procedures.store.keyed import Span, newest_runs
from procedures.store.merging import HANDFUL
from procedures.viewers import Key, People, who_sees

T = TypeVar("T")
Seen = Mapping[UUID, AbstractSet[Key]]


@dataclass(frozen=True)
class Candidates(Generic[T]):
    """The first rows of a list as somebody who sees everything would get it, each with its run."""

    rows: list[tuple[T, UUID]]
    is_all: bool
    """True if the list has no further rows."""

    def seen_by(self, key: Key, seen: Seen, most: int) -> tuple[T, ...] | None:
        """Return the first `most` rows that a person may see.

        Return None if the person may see fewer of these rows, and the list has further ones.
        """
        found = tuple(row for row, run in self.rows if key in seen.get(run, ()))[:most]
        return found if self.is_all or len(found) == most else None


class Outlooks:
    """The lists of the home pages of several people, at one point in time."""

    def __init__(self, people: People, now: datetime) -> None:
        gone, self.missing = without_code(), stranded(now)
        held = held_up(now, gone, self.missing)
        stuck_runs = newest_of([Run.objects.filter(one) for one in stuck(now, held)], None, HANDFUL)
        every = access.runs_by_grant(Procedure.objects.all())
        at_work = newest_runs([every], Span(HANDFUL), STATES[WORKING])
        is_all = len(stuck_runs) < HANDFUL
        working = moving(at_work, held, stuck_runs, is_all=is_all)
        coming = first_due(coming_waits(now, gone), HANDFUL)
        lonely = requests_without_answerers().by_urgency().values_list("pk", "wait__run")
        alone = list(lonely[:HANDFUL])
        self._stuck = of_runs(stuck_runs, is_all=is_all)
        self._working = of_runs(working, is_all=len(at_work) < HANDFUL)
        self._coming = Candidates([(one.wait, one.run) for one in coming], len(coming) < HANDFUL)
        self._alone = Candidates(alone, is_all=len(alone) < HANDFUL)
        every_list = (self._stuck.rows, self._working.rows, self._coming.rows, self._alone.rows)
        runs = {run for rows in every_list for _, run in rows}
        self._seen = who_sees(people, dict.fromkeys(runs, people.users.keys()))

    def lists_of(self, key: Key) -> HomeLists | None:
        """Return a person's lists; None if one of them needs further rows, which weren't read."""
        more = LONGEST_LIST + 1
        found = (
            self._stuck.seen_by(key, self._seen, MOST_STUCK + 1),
            self._working.seen_by(key, self._seen, more),
            self._coming.seen_by(key, self._seen, LONGEST_LIST),
            self._alone.seen_by(key, self._seen, more),
        )
        return None if None in found else HomeLists(*found)  # type: ignore[arg-type]


def of_runs(runs: list[UUID], *, is_all: bool) -> Candidates[UUID]:
    return Candidates([(run, run) for run in runs], is_all)
