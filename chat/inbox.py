"""The inbox: the requests that a person can answer, has snoozed or has answered, page by page.

Open requests are found through `urgency`, snoozed requests through the person's snoozes, and
answered requests through the person's answers. So a page reads about as many rows as the page
shows, however many requests are open.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from functools import cached_property, partial
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Count, Q
from django.utils import timezone

from chat.access import answerable_requests, visible_requests
from chat.left import are_any_claimed, is_claim_stale, is_left_to, is_snoozed_by
from chat.models import Assignment, HumanRequest, HumanResponse, RequestEvent, Snooze
from chat.models.request_queries import HumanRequestQuerySet, is_assigned_to
from chat.urgency import (
    AskedQuery,
    UrgencyPosition,
    first_among,
    following,
    groups_of,
    ways_by_group,
    ways_by_name,
)
from procedures.engine.kinds.conditions import RISKS, Risk
from procedures.models.clock import clock
from procedures.models.run_queries import values_of
from procedures.users import User

MOST_COUNTED = 100
"""The maximum length that is counted for a list; a count of 100 means "more than 99"."""


class Tab(StrEnum):
    """The name of a list of the inbox."""

    MINE = "mine"
    GROUPS = "groups"
    UNCLAIMED = "unclaimed"
    SNOOZED = "snoozed"
    DONE = "done"


OPEN_LISTS = {Tab.MINE, Tab.GROUPS, Tab.UNCLAIMED}


class DueGroup(StrEnum):
    """The groups of a list: overdue; due by the end of today; due later; without a due time.

    A request is due when its answer is needed. "Today" is the day in the reader's time zone.
    """

    OVERDUE = "overdue"
    TODAY = "today"
    LATER = "later"
    NONE = "none"


class Snoozed(NamedTuple):
    """A position in the list of snoozed requests, which is ordered by when each snooze ends."""

    until: datetime
    request: UUID


@dataclass(frozen=True)
class Filters:
    """The filters of a list; a filter with an empty value is off."""

    kind: str = ""
    procedure: str = ""
    """The name of a procedure."""
    due: DueGroup | None = None
    risk: Risk | None = None
    q: str = ""
    """A text that must occur in the prompt, or in the line that lists show below the prompt."""
    group: str = ""
    """The name of one of the person's groups; used only in the lists `groups` and `unclaimed`."""

    def narrowed(self, way: AskedQuery, now: datetime) -> AskedQuery:
        """Return `way` with those filters that the index of `way` covers: `due` and `risk`."""
        if self.due:
            way = way.filter(_is_due(self.due, way.columns.due, now))
        return way.filter(Q(**{way.columns.rank: RISKS.index(self.risk)})) if self.risk else way

    def condition(self, to: str, now: datetime) -> Q:
        """Return a `Q` for rows whose request passes the filters.

        `to` is the lookup from the row to its request, such as "request__"; "" if the rows are
        requests.
        """
        exact = {"kind": self.kind, "wait__run__procedure__name": self.procedure, "risk": self.risk}
        found = Q(**{f"{to}{name}": value for name, value in exact.items() if value})
        if self.q:
            words = (Q(**{f"{to}{name}__icontains": self.q}) for name in ("prompt", "gist"))
            found &= next(words) | next(words)
        return found & _is_due(self.due, f"{to}needed_at", now) if self.due else found


EVERYTHING = Filters()


@dataclass
class Inbox:
    """One list of a person's inbox."""

    user: User
    tab: Tab = Tab.MINE
    filters: Filters = field(default_factory=Filters)
    now: datetime = field(default_factory=clock.now)
    has_snoozed: bool = True
    """False if the caller knows that the person has snoozed nothing.

    Queries then don't check for snoozes.
    """

    def page(
        self, limit: int, *, after: UUID | None = None
    ) -> tuple[list[HumanRequest], UUID | None]:
        """Return the requests on a page, and the id to pass as `after` for the next page.

        The id is None on the last page.
        """
        ids = self._listed(limit + 1, after)
        shown = ids[:limit]
        return load_rows(self._still_seen(shown)), shown[-1] if len(ids) > limit else None

    def ids(self, most: int, *, after: UUID | None = None) -> list[UUID]:
        """Return the ids of up to `most` requests that follow the request `after` in the list.

        Without `after`, the list is read from its start. Answered requests that the person may no
        longer see are left out, so fewer than `most` ids can be returned although the list
        continues.
        """
        return self._still_seen(self._listed(most, after))

    def _still_seen(self, ids: list[UUID]) -> list[UUID]:
        """Return the ids, except those of answered requests that the person may no longer see."""
        if self.tab != Tab.DONE:
            return ids
        visible = visible_requests(self.user).filter(pk__in=ids)
        seen = set(visible.order_by().values_list("pk", flat=True))
        return [one for one in ids if one in seen]

    def _listed(self, most: int, after: UUID | None) -> list[UUID]:
        if self.tab == Tab.DONE:
            return self._done(most, after)
        if self.tab == Tab.SNOOZED:
            return self._snoozed(most, after)
        place, next_ones = (
            UrgencyPosition.of(after) if after else None,
            partial(following, self._ways()),
        )
        return list(first_among(self._requests(), next_ones, most, after=place))

    def count(self) -> int:
        """Return the length of the list; 100 stands for more than 99."""
        return len(self.ids(MOST_COUNTED))

    def _ways(self) -> list[AskedQuery]:
        """Return the queries whose rows make up this list.

        Each finds the requests that ask the person in one way, such as by name or by a group.
        """
        if self.tab == Tab.MINE:
            ways = [AskedQuery.of_requests(claimed_by=self.user), *ways_by_name(self.user)]
        elif self.filters.group:
            names = groups_of(self.user).items()
            keys = [key for key, name in names if name == self.filters.group]
            ways = [AskedQuery.of_assignments(group=key) for key in keys]
        elif self.user.is_superuser:
            ways = [AskedQuery.of_requests()]
        else:
            ways = ways_by_group(self.user)
        return [self.filters.narrowed(way, self.now) for way in ways]

    def _requests(self) -> HumanRequestQuerySet:
        """Return the open requests that pass the filters and that nothing keeps from the person.

        A claim, a vote or a snooze, for example, keeps a request from the person. This query
        doesn't check that the request asks the person at all, because it is only used for requests
        that `_ways` has found.
        """
        found = HumanRequest.objects.open().filter(is_left_to(self.user))
        if self.tab == Tab.MINE and not self.user.is_superuser:
            # A claim doesn't tell whether the claimer is still asked.
            found = found.filter(~Q(claimed_by=self.user) | is_assigned_to(self.user))
        if self.tab == Tab.UNCLAIMED:
            found = found.filter(Q(claimed_by=None) | is_claim_stale())
        if self.has_snoozed:
            found = found.filter(~is_snoozed_by(self.user, self.now))
        return found.filter(self.filters.condition("", self.now))

    def _snoozed(self, most: int, after: UUID | None) -> list[UUID]:
        snoozes = Snooze.objects.filter(user=self.user).order_by("until", "request_id")
        rows = snoozes.values_list("until", "request")
        first = rows.filter(request=after).first() if after else None
        still_asked = answerable_requests(self.user).filter(self.filters.condition("", self.now))

        def next_ones(last: Snoozed | None, count: int) -> list[Snoozed]:
            later = rows.filter(until__gt=self.now)
            if last:
                is_later = Q(until__gt=last.until) | Q(request_id__gt=last.request)
                later = later.filter(is_later, until__gte=last.until)
            return [Snoozed(*row) for row in later[:count]]

        place = Snoozed(*first) if first else None
        return list(first_among(still_asked, next_ones, most, after=place))

    def _done(self, most: int, after: UUID | None) -> list[UUID]:
        found = HumanResponse.objects.filter(
            self.filters.condition("request__", self.now), user=self.user, undone_at=None
        ).order_by("-pk")
        if after:
            last = HumanResponse.objects.filter(user=self.user, request=after, undone_at=None)
            found = found.filter(pk__lt=last.values("pk")[:1])
        return list(found.values_list("request", flat=True)[:most])


@dataclass
class InboxLists:
    """The lists of a person's inbox, all as of the time `now`; each list is read only once."""

    user: User
    now: datetime = field(default_factory=clock.now)
    waiting: dict[UUID, UUID] | None = None
    """The requests that wait for the person, by id, each with the id of its session.

    None if the caller hasn't read these requests.
    """
    _read: dict[Any, list[UUID]] = field(default_factory=dict)

    @cached_property
    def wakes_at(self) -> datetime | None:
        """The time at which the person's next snooze ends; None if nothing is snoozed."""
        snoozed = Snooze.objects.filter(user=self.user, until__gt=self.now).order_by("until")
        return snoozed.values_list("until", flat=True).first()

    def count_by_group(self) -> dict[str, int]:
        """Return, by name of each of the person's groups, how many requests ask the group.

        Only the first 100 requests of the list `groups` are counted. The result is an empty
        dictionary if the person is in fewer than two groups.
        """
        names = groups_of(self.user)
        ids = self.ids(Tab.GROUPS) if len(names) > 1 else []
        if not ids:
            return {}
        asked = Assignment.objects.filter(is_open=True, request__in=ids, group__in=names)
        rows = asked.order_by().values_list("group").annotate(Count("request"))
        return {names[key]: count for key, count in sorted(rows, key=lambda row: names[row[0]])}

    def ids(
        self, tab: Tab, filters: Filters = EVERYTHING, *, after: UUID | None = None
    ) -> list[UUID]:
        """Return the ids of a list's first 100 requests, or of the first 100 after `after`."""
        if tab == Tab.UNCLAIMED and not are_any_claimed(self.user):
            tab = Tab.GROUPS
        key = tab, filters, after
        if key not in self._read:
            known = self._known(*key)
            wanted = partial(self._inbox(tab, filters).ids, MOST_COUNTED, after=after)
            self._read[key] = wanted() if known is None else known
        return self._read[key]

    def _known(self, tab: Tab, filters: Filters, after: UUID | None) -> list[UUID] | None:
        """Return the ids if lists that have been read already imply them; otherwise, return None.

        For example, every list of open requests is empty if no request waits for the person.
        """
        if tab == Tab.SNOOZED and self.wakes_at is None:
            return []
        if self.waiting is None or tab not in OPEN_LISTS:
            return None
        if not self.waiting:
            return []
        is_first = tab == Tab.GROUPS and filters == EVERYTHING and after is None
        # If nothing asks the person by name, this list has everything that waits for them.
        if is_first and (self.user.is_superuser or not self.ids(Tab.MINE)):
            return list(self.waiting)[:MOST_COUNTED]
        return None

    def page(
        self, tab: Tab, filters: Filters, limit: int, *, after: UUID | None = None
    ) -> tuple[list[HumanRequest], UUID | None]:
        """Return a page of a list, as `Inbox.page` does; `limit` must be less than 100."""
        if tab == Tab.DONE:
            return self._inbox(tab, filters).page(limit, after=after)
        ids = self.ids(tab, filters, after=after)
        shown = ids[:limit]
        return load_rows(shown), shown[-1] if len(ids) > limit else None

    def _inbox(self, tab: Tab, filters: Filters) -> Inbox:
        has_snoozed = self.wakes_at is not None
        return Inbox(self.user, tab, filters, self.now, has_snoozed=has_snoozed)


def load_rows(ids: Sequence[UUID]) -> list[HumanRequest]:
    """Return the requests in the order of `ids`, with everything that a row of a list shows."""
    found = HumanRequest.objects.filter(pk__in=ids).with_what_is_shown()
    shown = found.defer("question", *values_of("wait__run")).in_bulk()
    return [shown[one] for one in ids if one in shown]


def seen_by(user: User, ids: Iterable[UUID]) -> set[UUID]:
    """Return the ids of those given requests whose history records that the user has seen them."""
    seen = RequestEvent.objects.filter(request__in=ids, user=user, kind=RequestEvent.Kind.SEEN)
    return set(seen.order_by().values_list("request", flat=True))


def end_of_day(now: datetime) -> datetime:
    """Return the next midnight after `now` in the reader's time zone."""
    tomorrow = timezone.localtime(now).date() + timedelta(days=1)
    return timezone.make_aware(datetime.combine(tomorrow, time.min))


def due_of(needed_at: datetime | None, now: datetime) -> DueGroup:
    """Return the group of a request whose answer is needed at `needed_at`."""
    if needed_at is None:
        return DueGroup.NONE
    if needed_at <= now:
        return DueGroup.OVERDUE
    return DueGroup.TODAY if needed_at < end_of_day(now) else DueGroup.LATER


def _is_due(due: DueGroup, name: str, now: datetime) -> Q:
    match due:
        case DueGroup.NONE:
            return Q(**{f"{name}__isnull": True})
        case DueGroup.OVERDUE:
            return Q(**{f"{name}__lte": now})
        case DueGroup.TODAY:
            return Q(**{f"{name}__gt": now, f"{name}__lt": end_of_day(now)})
        case DueGroup.LATER:
            return Q(**{f"{name}__gte": end_of_day(now)})
