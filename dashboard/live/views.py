"""Followers' views of a session, which decide in memory what each follower may see.

A change concerns a run, or is a message by a person. Members see every change. For everybody else,
the view lists the session's runs that they may see. A new run is looked up for all followers at
once.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser

from chat.access import reads_all_of
from chat.models import Member, Message
from procedures import access
from procedures.users import User
from procedures.viewers import Key, People, who_sees

NONE: frozenset[UUID] = frozenset()


@dataclass(frozen=True)
class Subject:
    """The run and the people that a change in a session affects."""

    run: UUID | None = None
    """A run: everybody who may see it also sees the change."""
    people: frozenset[Any] = frozenset()
    """The keys of the users whom the change affects."""


@dataclass(slots=True, eq=False)
class View:
    """The part of a stream that a follower may see."""

    viewer: Key | None = None
    is_whole: bool = False
    runs: frozenset[UUID] = NONE
    """The runs of the session that the follower may see."""
    hidden: frozenset[UUID] = NONE
    """The runs of which a change was withheld from the follower."""
    asked_at: float = 0.0
    """The time before the database was asked, on the monotonic clock."""
    gained_at: dict[UUID, float] | None = None
    """The times of the questions by which single runs came to be seen later."""

    def sees(self, subject: Subject | None) -> bool:
        """Return True if the follower may see the subject; a subject of None is visible to all."""
        if subject is None or self.is_whole:
            return True
        return subject.run in self.runs or (
            self.viewer is not None and self.viewer in subject.people
        )

    def fits(self, newer: "View") -> bool:
        """Return True if the newer view hides nothing that was sent and adds nothing withheld."""
        is_lost, is_gained = self.runs - newer.runs, self.hidden & newer.runs
        return self.is_whole == newer.is_whole and not is_lost and not is_gained

    def copy(self) -> "View":
        """Return a copy in which another thread can look up runs, to be added here by `take`."""
        return replace(self, gained_at=None)

    def take(self, looked_up: "View", *, asked_at: float) -> None:
        """Add the runs that were looked up in a copy, unless this view is newer than the lookup.

        Runs that this view doesn't have after that are noted as hidden.
        """
        gained = looked_up.runs - self.runs
        if gained and asked_at >= self.asked_at:
            self.runs |= gained
            self.gained_at = (self.gained_at or {}) | dict.fromkeys(gained, asked_at)
        self.hidden |= (looked_up.runs | looked_up.hidden) - self.runs

    def take_over(self, earlier: "View") -> None:
        """Copy what the view that this one replaces has learned since this one was read.

        Runs hidden in the earlier view stay noted as hidden until this view has them: the page is
        told to read again only when it may see one of them.
        """
        later = {run: at for run, at in (earlier.gained_at or {}).items() if at >= self.asked_at}
        if later:
            self.runs, self.gained_at = self.runs | later.keys(), later
        self.hidden |= earlier.hidden - self.runs


WHOLE = View(is_whole=True)


def views_of(user: User | AnonymousUser, sessions: Iterable[UUID]) -> dict[UUID, View]:
    """Return the user's view of each of these sessions, without those the user may not follow."""
    wanted = set(sessions)
    if not isinstance(user, User) or not user.is_active:
        return {}
    whole = reads_all_of(user, wanted)
    views = {session: View(user.pk, is_whole=True) for session in whole}
    if wanted == whole:
        return views
    said = Message.objects.filter(session__in=wanted - whole).exclude(run=None).order_by()
    runs = said.annotate(is_seen=access.is_visible(user, "run"))
    parts = {session: View(user.pk) for session in wanted - whole}
    for session, run, is_seen in runs.values_list("session", "run", "is_seen").distinct():
        if is_seen:
            parts[session].runs |= {run}
        else:
            parts[session].hidden |= {run}
    return views | {session: view for session, view in parts.items() if view.runs}


def readers_of(people: People, wanted: Mapping[UUID, AbstractSet[Key]]) -> set[tuple[Key, UUID]]:
    """Return the pairs of a person and a session whose whole transcript they may read."""
    if not wanted:
        return set()
    rights = {key for key, user in people.users.items() if user.is_superuser}
    found = {(key, session) for session, keys in wanted.items() for key in keys & rights}
    members = Member.objects.filter(session__in=wanted, user__in=people.users).order_by()
    for key, session in members.values_list("user", "session"):
        if key in wanted[session]:
            found.add((key, session))
    return found


def runs_in(sessions: Iterable[UUID]) -> dict[UUID, set[UUID]]:
    """Return, by session, the runs with an entry in it."""
    found: dict[UUID, set[UUID]] = defaultdict(set)
    if wanted := set(sessions):
        said = Message.objects.filter(session__in=wanted).exclude(run=None).order_by()
        for session, run in said.values_list("session", "run").distinct():
            found[session].add(run)
    return found


def look_up(views: Iterable[View], subjects: Iterable[Subject | None]) -> None:
    """Add to each view the subjects' runs that its user may see."""
    runs = {subject.run for subject in subjects if subject and subject.run}
    parts = [view for view in views if not view.is_whole and view.viewer is not None]
    parts = [view for view in parts if not runs <= view.runs]
    if not parts:
        return
    viewers = {view.viewer for view in parts}
    seen = who_sees(People.read(viewers), dict.fromkeys(runs, viewers))
    for view in parts:
        view.runs |= {run for run, keys in seen.items() if view.viewer in keys}
        view.hidden |= runs - view.runs
