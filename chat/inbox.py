"""The inbox: what a person can answer, has put off or has answered, page by page.

Each list is a merge of keyed queries, one for each way of being asked, so that a page reads about
as many rows as it shows, however many requests are open.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from chat.access import held_permissions, visible_requests
from chat.left import is_claim_stale, is_left_to
from chat.models import Assignment, HumanRequest, HumanResponse, RequestEvent, Snooze
from chat.models.delegation import principals_of
from procedures.models.clock import clock
from procedures.models.run_queries import values_of
from procedures.store.merging import merged
from procedures.users import User

MOST_COUNTED = 100
"""The most that is counted of a list, so that 100 means "more than 99"."""
BY_URGENCY = "1 ASC NULLS LAST, 2, 3"


class Tab(StrEnum):
    """A list of the inbox."""

    MINE = "mine"
    GROUPS = "groups"
    UNCLAIMED = "unclaimed"
    SNOOZED = "snoozed"
    DONE = "done"


class Due(StrEnum):
    """The time at which an answer is needed, in the reader's time zone."""

    OVERDUE = "overdue"
    TODAY = "today"
    LATER = "later"
    NONE = "none"


class Risk(StrEnum):
    """The risk of an answer, as its author has declared it."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class Place(NamedTuple):
    """A place in the order of urgency."""

    due: datetime | None
    rank: int
    request: UUID


class Path(NamedTuple):
    """The lookups of a list's order from one of its tables, and of the request itself."""

    due: str
    rank: str
    key: str
    request: str


OF_ASSIGNMENT = Path("due_at", "rank", "request_id", "request__")
OF_REQUEST = Path("needed_at", "rank", "pk", "")


@dataclass(frozen=True)
class Filters:
    """Conditions that narrow a list; empty ones narrow nothing."""

    kind: str = ""
    procedure: str = ""
    """The name of a procedure."""
    due: Due | None = None
    risk: Risk | None = None
    q: str = ""
    """A text that the prompt or the line below it contains."""

    def condition(self, to: str, now: datetime) -> Q:
        """Return a `Q` that matches rows whose request, at the lookup `to`, fits the filters."""
        exact = {"kind": self.kind, "wait__run__procedure__name": self.procedure, "risk": self.risk}
        found = Q(**{f"{to}{name}": value for name, value in exact.items() if value})
        if self.q:
            words = (Q(**{f"{to}{name}__icontains": self.q}) for name in ("prompt", "gist"))
            found &= next(words) | next(words)
        return found & _is_due(self.due, f"{to}needed_at", now) if self.due else found


@dataclass
class Inbox:
    """One list of a person's inbox."""

    user: User
    tab: Tab = Tab.MINE
    filters: Filters = field(default_factory=Filters)
    now: datetime = field(default_factory=clock.now)

    def page(
        self, limit: int, *, after: UUID | None = None
    ) -> tuple[list[HumanRequest], UUID | None]:
        """Return the requests on a page of the list, and the id after which the next one begins."""
        ids = self._listed(limit + 1, after)
        shown = ids[:limit]
        return load_rows(self._still_seen(shown)), shown[-1] if len(ids) > limit else None

    def ids(self, most: int, *, after: UUID | None = None) -> list[UUID]:
        """Return the ids of the first requests of the list that come after the one with that id.

        Fewer are returned if the person has lost sight of some that they have answered.
        """
        return self._still_seen(self._listed(most, after))

    def _still_seen(self, ids: list[UUID]) -> list[UUID]:
        """Return those that the person may see: whoever has answered one may not, any more."""
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
        place = _place_of(after) if after else None
        rows = [
            _ordered(part, path)[:most]
            for way, path in self._ways()
            for part in _after(way, path, place)
        ]
        found = merged(rows, order=BY_URGENCY, limit=most)
        return [UUID(str(request)) for _, _, request in found]

    def count(self) -> int:
        """Return the length of the list; 100 stands for more than 99."""
        return len(self.ids(MOST_COUNTED))

    def _ways(self) -> Iterator[tuple[QuerySet[Any], Path]]:
        """Yield a query for each way in which the person sees requests in this list."""
        if self.tab == Tab.MINE:
            claimed = HumanRequest.objects.open().filter(claimed_by=self.user)
            claimed = claimed.assigned_to(self.user)
            ways = [(claimed, OF_REQUEST), *((one, OF_ASSIGNMENT) for one in self._named())]
        elif self.user.is_superuser:
            ways = [(HumanRequest.objects.open(), OF_REQUEST)]
        else:
            ways = [(one, OF_ASSIGNMENT) for one in self._in_groups()]
        for way, path in ways:
            yield way.filter(self._condition(path)), path

    def _named(self) -> Iterator[QuerySet[Any]]:
        """Yield the open assignments to the person, and to those whom they stand in for."""
        for person in self._people:
            yield Assignment.objects.filter(is_open=True, user=person)

    def _in_groups(self) -> Iterator[QuerySet[Any]]:
        """Yield the open assignments to the groups and the permissions of these people."""
        waiting = Assignment.objects.filter(is_open=True)
        held = waiting.exclude(permission="")
        for person in self._people:
            groups = person.groups.order_by().values_list("pk", flat=True)
            yield from (waiting.filter(group=group) for group in groups)
            yield from (held.filter(permission=name) for name in held_permissions(person))

    @cached_property
    def _people(self) -> list[User]:
        return [self.user, *principals_of(self.user)]

    def _condition(self, path: Path) -> Q:
        """Return a `Q` that matches rows whose request is in the list if it asks the person."""
        to = path.request
        snoozed = Snooze.objects.filter(
            request=OuterRef(path.key), user=self.user, until__gt=self.now
        )
        found = is_left_to(self.user, to) & ~Q(Exists(snoozed.order_by()))
        if self.tab == Tab.UNCLAIMED:
            found &= Q(**{f"{to}claimed_by": None}) | is_claim_stale(to)
        return found & self.filters.condition(to, self.now)

    def _snoozed(self, most: int, after: UUID | None) -> list[UUID]:
        snoozed = Snooze.objects.filter(user=self.user, until__gt=self.now)
        still_asked = HumanRequest.objects.open().filter(
            is_left_to(self.user), self.filters.condition("", self.now), pk=OuterRef("request")
        )
        still_asked = still_asked.assigned_to(self.user).order_by()
        found = snoozed.filter(Exists(still_asked)).order_by("until", "request_id")
        last = Snooze.objects.filter(user=self.user, request=after).first() if after else None
        if last:
            is_later = Q(until__gt=last.until) | Q(request_id__gt=last.request_id)
            found = found.filter(is_later, until__gte=last.until)
        return list(found.values_list("request", flat=True)[:most])

    def _done(self, most: int, after: UUID | None) -> list[UUID]:
        found = HumanResponse.objects.filter(
            self.filters.condition("request__", self.now), user=self.user, undone_at=None
        ).order_by("-pk")
        if after:
            last = HumanResponse.objects.filter(user=self.user, request=after, undone_at=None)
            found = found.filter(pk__lt=last.values("pk")[:1])
        return list(found.values_list("request", flat=True)[:most])


def load_rows(ids: Sequence[UUID]) -> list[HumanRequest]:
    """Return the requests in this order, with what the rows of lists show."""
    found = HumanRequest.objects.filter(pk__in=ids).with_what_is_shown()
    shown = found.defer("question", *values_of("wait__run")).in_bulk()
    return [shown[one] for one in ids if one in shown]


def seen_by(user: User, ids: Iterable[UUID]) -> set[UUID]:
    """Return those of the given requests that the person has seen, by their histories."""
    seen = RequestEvent.objects.filter(request__in=ids, user=user, kind=RequestEvent.Kind.SEEN)
    return set(seen.order_by().values_list("request", flat=True))


def end_of_day(now: datetime) -> datetime:
    """Return the end of the day in the reader's time zone."""
    tomorrow = timezone.localtime(now).date() + timedelta(days=1)
    return timezone.make_aware(datetime.combine(tomorrow, time.min))


def due_of(needed_at: datetime | None, now: datetime) -> Due:
    """Return when an answer is needed, as a group of the list."""
    if needed_at is None:
        return Due.NONE
    if needed_at <= now:
        return Due.OVERDUE
    return Due.TODAY if needed_at < end_of_day(now) else Due.LATER


def _is_due(due: Due, name: str, now: datetime) -> Q:
    match due:
        case Due.NONE:
            return Q(**{f"{name}__isnull": True})
        case Due.OVERDUE:
            return Q(**{f"{name}__lte": now})
        case Due.TODAY:
            return Q(**{f"{name}__gt": now, f"{name}__lt": end_of_day(now)})
        case Due.LATER:
            return Q(**{f"{name}__gte": end_of_day(now)})


def _place_of(request: UUID) -> Place | None:
    """Return the place of a request, open or closed; None if there is none with that id."""
    found = HumanRequest.objects.filter(pk=request).values_list("needed_at", "rank", "pk").first()
    return Place(*found) if found else None


def _after(way: QuerySet[Any], path: Path, place: Place | None) -> list[QuerySet[Any]]:
    """Return queries of the rows after a place, each of which follows one range of the index."""
    if place is None:
        return [way]
    is_ranked = Q(**{f"{path.rank}__gt": place.rank})
    is_last = is_ranked | Q(**{path.rank: place.rank, f"{path.key}__gt": place.request})
    timeless = way.filter(**{f"{path.due}__isnull": True})
    if place.due is None:
        return [timeless.filter(is_last, **{f"{path.rank}__gte": place.rank})]
    is_later = Q(**{f"{path.due}__gt": place.due}) | is_last
    return [way.filter(is_later, **{f"{path.due}__gte": place.due}), timeless]


def _ordered(way: QuerySet[Any], path: Path) -> QuerySet[Any, Any]:
    order = (F(path.due).asc(nulls_last=True), path.rank, path.key)
    return way.order_by(*order).values_list(path.due, path.rank, path.key)
