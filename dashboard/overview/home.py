"""The contents of the lists on home pages, read by the same queries for several people's pages."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, TypeVar
from uuid import UUID

from chat.models import HumanRequest
from dashboard.overview.lists import Listed, listed_runs
from dashboard.overview.operations import ALL, Operation, common_operations
from dashboard.overview.outlook import LONGEST_LIST, MOST_STUCK, HomeLists, Outlook
from dashboard.overview.words import Sentence
from procedures.among import is_among
from procedures.models import Run, Wait
from procedures.services.carriers import Code

HOME = "dashboard/_home_changes.html"
"""The name of the template that draws these lists."""
SHOWN_OF_WAITS = ("due_at", "run__subject", "run__procedure__title", "request__prompt")
"""The fields that are loaded for each wait in a list, as Django's lookups."""
Row = TypeVar("Row")


@dataclass(frozen=True)
class StuckGroup:
    """Runs of one procedure that are stuck for one reason, the newest run first."""

    runs: list[Listed]

    @property
    def sentence(self) -> Sentence:
        return self.runs[0].state.sentence

    @property
    def operations(self) -> list[Operation]:
        """The operations that a page offers for all of these runs together."""
        return [ALL[name] for name in common_operations(one.run for one in self.runs)]


def contents_of(
    several: Collection[HomeLists], *, now: datetime, missing: Mapping[Code, str]
) -> dict[HomeLists, dict[str, Any]]:
    """Return, for the lists of each home page, the context of the template `HOME`.

    The number of queries doesn't depend on the number of pages. `missing` is the code that no live
    worker has, as `carriers.stranded` returns it.
    """
    shown = (chain(one.stuck[:MOST_STUCK], one.working) for one in several)
    keys = {*chain(*shown)}
    runs = Run.objects.filter(is_among("pk", keys)).for_lists() if keys else []
    listed = {one.run.pk: one for one in listed_runs(runs, now=now, missing=missing)}
    requests = _requests({*chain(*(one.alone for one in several))})
    waits = _waits({*chain(*(one.coming for one in several))})
    return {
        one: {
            "alone": rows_of(one.alone, requests),
            "stuck": alike(rows_of(one.stuck[:MOST_STUCK], listed)),
            "stuck_count": len(one.stuck) + len(one.alone),
            "most_stuck": MOST_STUCK,
            "working": rows_of(one.working, listed),
            "coming": rows_of(one.coming, waits),
            "most_shown": LONGEST_LIST,
        }
        for one in several
    }


def _requests(keys: Collection[UUID]) -> dict[UUID, HumanRequest]:
    if not keys:  # building the query alone would take longer than all of a short list
        return {}
    found = HumanRequest.objects.filter(pk__in=keys).with_what_is_shown()
    return {one.pk: one for one in found}


def _waits(keys: Collection[int]) -> dict[int, Wait]:
    if not keys:
        return {}
    found = Wait.objects.filter(pk__in=keys).with_reasons()
    found = found.select_related("run__procedure", "request")
    return {one.pk: one for one in found.only(*SHOWN_OF_WAITS)}


def contents_for(outlook: Outlook) -> dict[str, Any]:
    """Return the template context for the lists of one person's home page."""
    lists = outlook.lists()
    missing = outlook.missing if any(lists) else {}
    return contents_of([lists], now=outlook.now, missing=missing)[lists]


def alike(stuck: Iterable[Listed]) -> list[StuckGroup]:
    """Group stuck runs by procedure and reason; the group with the newest run is the first."""
    groups: dict[tuple[int, str], StuckGroup] = {}
    for one in stuck:
        key = (one.run.procedure_id, one.cause)
        groups.setdefault(key, StuckGroup([])).runs.append(one)
    return list(groups.values())


def rows_of(keys: Iterable[Any], found: Mapping[Any, Row]) -> list[Row]:
    """Return the row of each key, in the order of the keys; keys without a row are left out."""
    return [found[key] for key in keys if key in found]
