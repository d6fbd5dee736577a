"""A person's inbox as its URL describes it: tabs, filters, a list of requests, and one request."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import groupby
from math import ceil
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import QueryDict
from django.utils.translation import gettext_lazy as lazy

from chat.inbox import (
    MOST_COUNTED,
    OPEN_LISTS,
    DueGroup,
    Filters,
    InboxLists,
    Tab,
    due_of,
    end_of_day,
    seen_by,
)
from chat.models import HumanRequest, Snooze
from chat.services.waiting import Waiting
from dashboard.overview.viewer import time_for_viewer
from dashboard.overview.words import listed
from dashboard.pages.parameters import id_in
from dashboard.pages.requests import answerable, find, is_undoable, typed_form
from dashboard.pages.visit import Visit
from procedures.access import visible_procedures
from procedures.engine.kinds import conditions

PAGE = 50
TABS = {
    Tab.MINE: lazy("Mine"),
    Tab.GROUPS: lazy("My groups"),
    Tab.UNCLAIMED: lazy("Unclaimed"),
    Tab.SNOOZED: lazy("Snoozed"),
    Tab.DONE: lazy("Done"),
}
DUES = {
    DueGroup.OVERDUE: lazy("Overdue"),
    DueGroup.TODAY: lazy("Today"),
    DueGroup.LATER: lazy("Later"),
    DueGroup.NONE: lazy("No deadline"),
}
RISKS: dict[conditions.Risk, Any] = {"high": lazy("High risk"), "low": lazy("Low risk")}
KINDS = {
    "action": lazy("Actions"),
    "approval": lazy("Approvals"),
    "choice": lazy("Choices"),
    "input": lazy("Inputs"),
    "form": lazy("Forms"),
    "review": lazy("Reviews"),
    "upload": lazy("Uploads"),
    "escalation": lazy("Problems"),
}
GLYPHS = {
    "action": "▸",
    "approval": "◇",
    "choice": "≡",
    "input": "✎",
    "form": "▤",
    "review": "¶",
    "upload": "↥",
}
NARROWING = ("kind", "procedure", "due", "risk", "q", "group")
GROUP_LISTS = (Tab.GROUPS, Tab.UNCLAIMED)
"""The tabs in which a person can choose one of the person's groups."""
KEPT = ("tab", *NARROWING, "after", "focus")
"""The URL parameters that are repeated in the links to the requests of the list."""


@dataclass(frozen=True)
class InboxRow:
    """A request in a row of the list."""

    request: HumanRequest
    due: DueGroup
    is_seen: bool
    is_near: bool

    @property
    def glyph(self) -> str:
        return GLYPHS.get(self.request.kind, "!")

    @property
    def votes(self) -> int:
        return len(self.request.counted_responses)


@dataclass(frozen=True)
class InboxGroup:
    """The rows below a heading of the list, such as "Overdue"."""

    name: Any
    rows: list[InboxRow]
    count: str
    """The number of rows, such as "9"; "9+" if further rows of the group are on the next page."""


@dataclass
class View:
    """A person's inbox, as the parameters of its URL describe it."""

    request: Visit
    sent: QueryDict
    loaded: dict[UUID, HumanRequest] = field(default_factory=dict)
    """The requests on the shown page of the list, by id."""
    seen: set[UUID] = field(default_factory=set)
    """The ids of the loaded requests that the person has opened before."""

    @cached_property
    def now(self) -> datetime:
        return time_for_viewer(self.request)

    @cached_property
    def lists(self) -> InboxLists:
        known: Waiting | None = getattr(self.request, "waiting", None)
        return InboxLists(self.request.user, self.now, known)

    @cached_property
    def counts(self) -> dict[Tab, int]:
        return {tab: len(self.lists.ids(tab)) for tab in TABS if tab != Tab.DONE}

    @cached_property
    def tab(self) -> Tab:
        """The tab that the URL names, or else the first tab that isn't empty."""
        chosen: Tab | None = _member(Tab, self.sent.get("tab"))
        if chosen is not None:
            return chosen
        return next((tab for tab, count in self.counts.items() if count), Tab.MINE)

    @cached_property
    def filters(self) -> Filters:
        sent = {name: self.sent.get(name, "").replace("\0", "") for name in NARROWING}
        return Filters(
            sent["kind"],
            sent["procedure"],
            _member(DueGroup, sent["due"]),
            next((risk for risk in conditions.RISKS if risk == sent["risk"]), None),
            sent["q"].strip(),
            sent["group"] if self.tab in GROUP_LISTS else "",
        )

    @cached_property
    def query(self) -> str:
        """The query string of links to the requests of the list, without their "request=ID"."""
        kept = QueryDict(mutable=True)
        for name in KEPT:
            if text := self.sent.get(name):
                kept[name] = text
        kept["tab"] = self.tab
        return kept.urlencode()

    @cached_property
    def filter_query(self) -> str:
        """The query string of the tab and the current filters, which a saved filter stores."""
        given = self.filters
        chosen = {
            "tab": self.tab,
            **{name: text for name in NARROWING if (text := getattr(given, name))},
        }
        return urlencode(chosen)

    @cached_property
    def kept(self) -> str:
        """The name of the saved filter that equals the current tab and filters; "" if none does."""
        kept = {one["query"]: one["name"] for one in self.request.kept_filters}
        return kept.get(self.filter_query, "")

    @property
    def narrowed_by(self) -> str:
        """The current filters in words, such as "High risk and “lamp”"."""
        given = self.filters
        words = [KINDS.get(given.kind, given.kind), self._title_of(given.procedure)]
        words += [DUES[given.due]] if given.due else []
        words += [RISKS[given.risk]] if given.risk else []
        words += [f"“{given.q}”"] if given.q else []
        words += [given.group]
        return listed([str(one) for one in words if one], "and")

    def _title_of(self, name: str) -> str:
        """Return the title of a procedure, or its name if the person may not see the procedure."""
        found = visible_procedures(self.request.user).filter(name=name)
        return (name and found.values_list("title", flat=True).first()) or name

    @property
    def last(self) -> UUID | None:
        """The id of the last request on the previous page of the list; None on the first page."""
        return id_in(self.sent.get("after"))

    @property
    def is_open_list(self) -> bool:
        return self.tab in OPEN_LISTS

    def listed(self) -> dict[str, Any]:
        """Return the template variables for the list, its tabs and its filters."""
        requests, following = self.lists.page(self.tab, self.filters, PAGE, after=self.last)
        self.loaded = {one.pk: one for one in requests}
        self.seen = seen_by(self.request.user, self.loaded)
        rows = [self._row(one) for one in requests]
        groups = self._groups(rows, is_cut=following is not None)
        asked = {one.wait.run.procedure for one in requests}
        return {
            "view": self,
            "procedures": sorted((one.title, one.name) for one in asked),
            "tabs": [(tab, words, self.counts.get(tab, 0)) for tab, words in TABS.items()],
            "group_tabs": self.lists.count_by_group(),
            "are_all_counted": self.counts[Tab.GROUPS] < MOST_COUNTED,
            "groups": list(groups),
            "rows": rows,
            "next": following,
            "is_narrowed": self.filters != Filters(),
            "changes_in": self._changes_in(requests),
        }

    def _row(self, request: HumanRequest) -> InboxRow:
        is_near = request.soon_at is not None and request.soon_at < self.now
        due = due_of(request.needed_at, self.now)
        return InboxRow(request, due, request.pk in self.seen or not self.is_open_list, is_near)

    def _changes_in(self, requests: list[HumanRequest]) -> int | None:
        """Return the seconds until the list looks different because of the time alone, or None.

        That happens at a deadline, at the end of a snooze and at midnight.
        """
        times = [self.lists.wakes_at]
        if self.is_open_list:
            times += [at for one in requests for at in (one.soon_at, one.needed_at)]
            times += [end_of_day(self.now)]
        left = [(at - self.now).total_seconds() for at in times if at and at > self.now]
        return ceil(min(left)) if left else None

    def _groups(self, rows: list[InboxRow], *, is_cut: bool) -> Iterator[InboxGroup]:
        if not self.is_open_list:
            yield InboxGroup("", rows, "")
            return
        for due, some in groupby(rows, key=lambda row: row.due):
            found = list(some)
            is_last = is_cut and found[-1] is rows[-1]
            yield InboxGroup(DUES[due], found, f"{len(found)}{'+' if is_last else ''}")

    def chosen(self, request_id: UUID | None) -> dict[str, Any]:
        """Return template variables for one request, with its position and neighbours in the list.

        By default, it is the first request of the list.
        """
        ids = self.lists.ids(self.tab, self.filters, after=self.last)
        if request_id is None:
            request_id = ids[0] if ids else None
        if request_id is None:
            return {"view": self, "chosen": None}
        found = self.loaded.get(request_id) or find(self.request, request_id)
        mine = self._answerable(found)
        return {
            "view": self,
            "chosen": found,
            "answerable": mine,
            "typed_form": typed_form(self.request, found, mine),
            "is_undoable": is_undoable(self.request, found),
            "is_seen": found.pk in (self.seen if found.pk in self.loaded else self._seen(found)),
            "is_snoozed": self._is_snoozed(found),
            **_neighbours(ids, found.pk, is_counted=self.last is None),
        }

    def _answerable(self, found: HumanRequest) -> set[UUID]:
        # Every list except that of answered requests has only requests that the person may answer.
        if found.pk in self.loaded and self.tab != Tab.DONE:
            return {found.pk} if found.is_open else set()
        return answerable(self.request, [found])

    def _seen(self, found: HumanRequest) -> set[UUID]:
        return seen_by(self.request.user, [found.pk])

    def _is_snoozed(self, found: HumanRequest) -> bool:
        if self.lists.wakes_at is None:
            return False
        snoozed = Snooze.objects.filter(user=self.request.user, until__gt=self.now)
        return snoozed.filter(request=found).exists()


def _neighbours(ids: list[UUID], request_id: UUID, *, is_counted: bool) -> dict[str, Any]:
    """Return a request's position in the list, the ids before and after it, and the list's length.

    The position counts from 1. It is 0 if the request isn't in the list, or if earlier pages make
    the position unknown.
    """
    if request_id not in ids:
        return {"place": 0, "count": len(ids), "before": None, "after": ids[0] if ids else None}
    place = ids.index(request_id)
    return {
        "place": place + 1 if is_counted else 0,
        "count": len(ids),
        "before": ids[place - 1] if place else None,
        "after": ids[place + 1] if place + 1 < len(ids) else None,
    }


def _member(of: Any, text: str | None) -> Any:
    return of(text) if text in list(of) else None
