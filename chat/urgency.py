"""The requests that wait for a person, the most urgent first, read by keys.

A person can be asked in several ways: by name, by a group, by a permission, or as a deputy. For
each way there is a query that follows one index and applies no other rule. So the query reads no
more rows than it returns, however many requests are open. Whether each of these candidates still
waits for the person is then checked by its key. If these rules were part of the queries, PostgreSQL
would read whole tables instead of checking one row after another.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple, Protocol, Self, TypeVar
from uuid import UUID

from django.db.models import F, Q, QuerySet

from chat.left import is_left_to, is_snoozed_by, rule_facts
from chat.models import Assignment, HumanRequest
from chat.models.delegation import principals_of
from chat.models.request_queries import HumanRequestQuerySet
from procedures.among import is_among
from procedures.holdings import holdings_of, permissions_of
from procedures.models.clock import clock
from procedures.store.merging import first_seen, merged
from procedures.users import User, kept_on

SPARE = 16
"""The number of candidates that are read at first beyond those wanted, because some won't fit."""
GROWTH, LARGEST = 4, 8192
"""The growth of batches: each has `GROWTH` times as many candidates as the previous one.

No batch has more than `LARGEST` candidates.
"""
BY_URGENCY = "1 ASC NULLS LAST, 2, 3"


class Candidate(Protocol):
    """A row that may lead to one of the wanted requests; `request` is the request's id."""

    @property
    def request(self) -> UUID: ...


C = TypeVar("C", bound=Candidate)
Following = Callable[[C | None, int], Sequence[C]]


class UrgencyPosition(NamedTuple):
    """A position in the order of urgency."""

    due: datetime | None
    rank: int
    request: UUID

    @classmethod
    def of(cls, request: UUID) -> Self | None:
        """Return the position of a request, open or closed; None if no request has this id."""
        row = HumanRequest.objects.filter(pk=request).values_list("needed_at", "rank", "pk").first()
        return cls(*row) if row else None


class Columns(NamedTuple):
    """The names of the three columns that order a table's rows by urgency."""

    due: str
    rank: str
    request: str


@dataclass(frozen=True)
class AskedQuery:
    """A way in which a person is asked: a query, along one index, for requests or assignments."""

    rows: QuerySet[Any]
    columns: Columns

    @classmethod
    def of_requests(cls, **given: Any) -> Self:
        """Return the query for the open requests with these values, such as `claimed_by=user`."""
        rows = HumanRequest.objects.open().filter(**given)
        return cls(rows, Columns("needed_at", "rank", "pk"))

    @classmethod
    def of_assignments(cls, **given: Any) -> Self:
        """Return the query for assignments of open requests, with these values: `user=user`."""
        rows = Assignment.objects.filter(is_open=True, **given)
        return cls(rows, Columns("due_at", "rank", "request_id"))

    def filter(self, condition: Q) -> Self:
        """Return the query with a further condition on the columns of its index."""
        return replace(self, rows=self.rows.filter(condition))

    def first(self, count: int, *, after: UrgencyPosition | None) -> Iterator[QuerySet[Any, Any]]:
        """Yield queries that together return the first `count` rows after a position.

        Each query reads one range of the index.
        """
        due, rank, request = self.columns
        order = (F(due).asc(nulls_last=True), rank, request)
        for part in _ranges(self.columns, after):
            yield self.rows.filter(part).order_by(*order).values_list(*self.columns)[:count]


def _ranges(columns: Columns, after: UrgencyPosition | None) -> Iterator[Q]:
    """Yield conditions that together match the rows after a position.

    Each condition matches one range of the index.
    """
    if after is None:
        yield Q()
        return
    due, rank, request = columns
    timeless = Q(**{f"{due}__isnull": True})
    same = timeless if after.due is None else Q(**{due: after.due})
    yield same & Q(**{rank: after.rank, f"{request}__gt": after.request})
    yield same & Q(**{f"{rank}__gt": after.rank})
    if after.due is not None:
        yield Q(**{f"{due}__gt": after.due})
        yield timeless


def ways_of(user: User) -> list[AskedQuery]:
    """Return a query for each way in which a user is asked.

    A superuser is asked by all open requests.
    """
    if user.is_superuser:
        return [AskedQuery.of_requests()]
    return [*ways_by_name(user), *ways_by_group(user)]


def ways_by_name(user: User) -> list[AskedQuery]:
    """Return the queries for assignments to the user by name.

    Assignments to people who have the user as a deputy are included.
    """
    return [AskedQuery.of_assignments(user=person) for person in (user, *principals_of(user))]


def ways_by_group(user: User) -> list[AskedQuery]:
    """Return the queries for assignments to the user's groups and permissions.

    The groups and permissions of people who have the user as a deputy are included.
    """
    permissions = held_permissions(user)
    return [
        *(AskedQuery.of_assignments(group=group) for group in sorted(groups_of(user))),
        # The index leaves out empty permissions. PostgreSQL uses it only if the query says that the
        # permission isn't empty.
        *(
            AskedQuery.of_assignments(permission=one).filter(~Q(permission=""))
            for one in permissions
        ),
    ]


def assignee_names_of(user: User) -> set[str]:
    """Return the names of the assignees that include a user, such as "user:7" or "group:3".

    Assignees that include somebody who has the user as a deputy are returned, too. The result comes
    from caches on the user object, so use it only for lists. If the page has read the user's
    requests already, this takes no query.
    """
    people = [user, *principals_of(user)]
    names = {f"user:{one.pk}" for one in people} | {f"group:{group}" for group in groups_of(user)}
    return names | {f"perm:{one}" for one in held_permissions(user)}


def groups_of(user: User) -> dict[int, str]:
    """Return the names of a user's groups, by the keys of the groups.

    The groups of people who have the user as a deputy are included.
    """
    found = dict[int, str]()
    for one in (user, *principals_of(user)):
        found |= holdings_of(one).groups
    return found


def held_permissions(user: User) -> list[str]:
    """Return the permissions by which requests ask a user, such as "app.code".

    They are permissions that were assigned to requests and that are held by the user, or by
    somebody who has the user as a deputy. An assignment to a permission doesn't ask superusers, who
    hold every permission. The result is cached on the user object, so use it only for lists.
    """
    return kept_on(user, "held_permissions", lambda: _held_permissions(user))


def _held_permissions(user: User) -> list[str]:
    # Somebody may have hundreds of permissions, but requests ask for only a few of them.
    asked = rule_facts(user).permissions
    people = [user, *principals_of(user)]
    askable = [one for one in people if not one.is_superuser] if asked else []
    return sorted(asked & set[str]().union(*map(permissions_of, askable)))


def following(
    ways: Sequence[AskedQuery], last: UrgencyPosition | None, count: int
) -> list[UrgencyPosition]:
    """Return the first `count` requests after the position `last` in all queries together.

    Each request is returned once. This takes one database query.
    """
    rows = [part for way in ways for part in way.first(count, after=last)]
    found = merged(rows, order=BY_URGENCY, limit=count)
    return [UrgencyPosition(clock.read(due), rank, UUID(str(pk))) for due, rank, pk in found]


def first_among(
    requests: HumanRequestQuerySet,
    following: Following[C],
    most: int,
    *,
    after: C | None = None,
) -> dict[UUID, UUID]:
    """Return the ids of the first `most` candidates after `after` that are among `requests`.

    Each id has the id of the request's session. `following(last, count)` returns the next `count`
    candidates after the candidate `last`. Only these candidates are looked up, in batches that
    grow. So a few requests among thousands are found with few database queries.
    """
    sessions = dict[UUID, UUID]()

    def fitting(candidates: Sequence[C]) -> set[C]:
        keys = [one.request for one in candidates]
        found = requests.filter(is_among("pk", keys)).order_by()
        sessions.update(found.values_list("pk", "session"))
        return {one for one in candidates if one.request in sessions}

    found, _ = first_seen(
        lambda last, count: following(last or after, count),
        fitting,
        most,
        batches=_growing(most + SPARE),
    )
    return {one.request: sessions[one.request] for one in found}


def _growing(count: int) -> Iterator[int]:
    while True:
        yield min(count, LARGEST)
        count *= GROWTH


def urgent_requests(user: User, most: int, *, with_snoozed: bool = False) -> dict[UUID, UUID]:
    """Return the ids of open requests that wait for the user now, each with its session's id.

    At most `most` requests are returned, the most urgent first. If `with_snoozed` is true, requests
    that the user has snoozed are included.
    """
    ways, left = ways_of(user), HumanRequest.objects.open().filter(is_left_to(user))
    if not with_snoozed:
        left = left.filter(~is_snoozed_by(user, clock.moment()))
    return first_among(left, partial(following, ways), most)
