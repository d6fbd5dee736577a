"""Followers' views of a session, which decide in memory what each follower may see.

A change concerns a run, or is a message by a person. Members see every change. For everybody else,
the view lists the session's runs that they may see. A new run is looked up for all followers at
once, by one query per hundred of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Value

from chat.access import reads_all_of
from chat.models import Message
from procedures import access
from procedures.users import User

MOST_AT_ONCE = 100
"""The most users in one query: SQLite allows at most 500 parts of a union."""


@dataclass(frozen=True)
class Subject:
    """The run and the people that a change in a session concerns."""

    run: UUID | None = None
    """A run: everybody who may see it also sees the change."""
    people: frozenset[int] = frozenset()
    """The ids of the users whom the change concerns."""


@dataclass
class View:
    """The part of a stream that a follower may see."""

    user: User | None = None
    is_whole: bool = False
    runs: set[UUID] = field(default_factory=set)
    """The runs of the session that the follower may see."""
    hidden: set[UUID] = field(default_factory=set)
    """The runs of which a change was withheld from the follower."""

    def sees(self, subject: Subject | None) -> bool:
        """Return True if the follower may see the subject; a subject of None is visible to all."""
        if subject is None or self.is_whole:
            return True
        return subject.run in self.runs or (
            self.user is not None and self.user.pk in subject.people
        )

    def fits(self, newer: "View") -> bool:
        """Return True if the newer view hides nothing that was sent, and shows nothing withheld."""
        is_lost, is_gained = self.runs - newer.runs, self.hidden & newer.runs
        return self.is_whole == newer.is_whole and not is_lost and not is_gained


WHOLE = View(is_whole=True)


def views_of(user: User | AnonymousUser, sessions: Iterable[UUID]) -> dict[UUID, View]:
    """Return the user's views of those sessions that the user may follow."""
    wanted = set(sessions)
    if not isinstance(user, User) or not user.is_active:
        return {}
    whole = reads_all_of(user, wanted)
    views = {session: View(user, is_whole=True) for session in whole}
    if wanted == whole:
        return views
    said = Message.objects.filter(session__in=wanted - whole).exclude(run=None).order_by()
    runs = said.annotate(is_seen=access.is_visible(user, "run"))
    parts = {session: View(user) for session in wanted - whole}
    for session, run, is_seen in runs.values_list("session", "run", "is_seen").distinct():
        (parts[session].runs if is_seen else parts[session].hidden).add(run)
    return views | {session: view for session, view in parts.items() if view.runs}


def look_up(views: Iterable[View], subjects: Iterable[Subject | None]) -> None:
    """Add to each view those of the subjects' runs that its user may see."""
    runs = {subject.run for subject in subjects if subject and subject.run}
    parts = [view for view in views if not view.is_whole and view.user and not runs <= view.runs]
    users = {view.user.pk: view.user for view in parts if view.user}
    seen = _who_sees(list(users.values()), runs) if runs and users else set()
    for view in parts:
        view.runs |= {run for user, run in seen if view.user and user == view.user.pk}
        view.hidden |= runs - view.runs


def _who_sees(users: Sequence[User], runs: set[UUID]) -> set[tuple[int, UUID]]:
    """Return the pairs of a user and a run that the user may see.

    One query covers `MOST_AT_ONCE` users.
    """
    found: set[tuple[int, UUID]] = set()
    for begin in range(0, len(users), MOST_AT_ONCE):
        first, *rest = (
            access.visible_runs(user)
            .filter(pk__in=runs)
            .order_by()
            .annotate(viewer=Value(user.pk))
            .values_list("viewer", "pk")
            for user in users[begin : begin + MOST_AT_ONCE]
        )
        # `all`, since equal rows can't come from two users, and finding that out costs a sort.
        found |= set(first.union(*rest, all=True))
    return found
