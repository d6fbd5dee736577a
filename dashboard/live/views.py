"""Views of a session, which decide in memory which changes each follower may see.

A change is about a run, or is a message by a person. Members of the session see every change. For
other people, the view has the runs of the session that they may see. When a change is about a run
that a view doesn't know, the run is looked up for all followers together.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser

from chat.access import reads_all_of
from chat.models import Member, Message, Session
from procedures import access
from procedures.among import is_among
from procedures.users import User
from procedures.viewers import Key, People, who_sees

NONE: frozenset[UUID] = frozenset()


@dataclass(frozen=True)
class Subject:
    """The subject of a change in a session: a run, or the people whom a message involves."""

    run: UUID | None = None
    """The run that the change is about. Everybody who may see the run also sees the change."""
    people: frozenset[Any] = frozenset()
    """The keys of users who may see the change without the run, such as a message's author."""


@dataclass(slots=True, eq=False)
class View:
    """The part of a stream that one follower may see."""

    viewer: Key | None = None
    is_whole: bool = False
    is_member: bool = False
    """True if the follower is a member of the session. Only members see who else has it open."""
    runs: frozenset[UUID] = NONE
    """The runs of the session that the follower may see."""
    hidden: frozenset[UUID] = NONE
    """The runs of the session that were looked up and that the follower may not see.

    If the follower is later allowed to see one of them, the page must read the stream again,
    because it lacks that run's earlier changes.
    """
    asked_at: float = 0.0
    """The time on the monotonic clock just before these rights were read from the database."""
    gained_at: dict[UUID, float] | None = None
    """The runs added to `runs` after the view was made, each with the time of its lookup.

    The time is taken just before the lookup.
    """

    def sees(self, subject: Subject | None) -> bool:
        """Return True if the follower may see changes with this subject.

        Every follower of the session may see a change without a subject.
        """
        if subject is None or self.is_whole:
            return True
        return subject.run in self.runs or (
            self.viewer is not None and self.viewer in subject.people
        )

    def fits(self, newer: "View") -> bool:
        """Return True if what was sent under this view is still right and complete under `newer`.

        Return False if `newer` lacks a run of this view, or has a run that was hidden in this view.
        """
        is_lost, is_gained = self.runs - newer.runs, self.hidden & newer.runs
        return self.is_whole == newer.is_whole and not is_lost and not is_gained

    def copy(self) -> "View":
        """Return a copy of this view in which another thread can look up runs.

        Afterwards, `take` adds to this view the runs that were found.
        """
        return replace(self, gained_at=None)

    def take(self, looked_up: "View", *, asked_at: float) -> None:
        """Add the runs that were looked up in a copy of this view.

        The runs aren't added if the rights were read again after the lookup began. Runs that the
        follower still may not see are added to `hidden`.
        """
        gained = looked_up.runs - self.runs
        if gained and asked_at >= self.asked_at:
            self.runs |= gained
            self.gained_at = (self.gained_at or {}) | dict.fromkeys(gained, asked_at)
        self.hidden |= (looked_up.runs | looked_up.hidden) - self.runs

    def take_over(self, earlier: "View") -> None:
        """Add the runs that an earlier view gained after the rights of this view had been read.

        Also add the hidden runs of the earlier view to the hidden runs of this view, unless this
        view shows them. A hidden run stays hidden until a later view shows it, because only then is
        the page told to read again.
        """
        later = {run: at for run, at in (earlier.gained_at or {}).items() if at >= self.asked_at}
        if later:
            self.runs, self.gained_at = self.runs | later.keys(), later
        self.hidden |= earlier.hidden - self.runs


WHOLE = View(is_whole=True)
MEMBER = View(is_whole=True, is_member=True)


def views_of(user: User | AnonymousUser, sessions: Iterable[UUID]) -> dict[UUID, View]:
    """Return the user's view of each of these sessions.

    Sessions that the user may not follow are missing.
    """
    wanted = set(sessions)
    if not isinstance(user, User) or not user.is_active:
        return {}
    whole = reads_all_of(user, wanted)
    views = {session: View(user.pk, is_whole=True) for session in whole}
    if wanted == whole:
        return views
    messages = Message.objects.filter(session__in=wanted - whole, session__is_private=False)
    messages = messages.exclude(run=None).order_by()
    runs = messages.annotate(is_seen=access.is_visible(user, "run"))
    parts = {session: View(user.pk) for session in wanted - whole}
    for session, run, is_seen in runs.values_list("session", "run", "is_seen").distinct():
        if is_seen:
            parts[session].runs |= {run}
        else:
            parts[session].hidden |= {run}
    return views | {session: view for session, view in parts.items() if view.runs}


def readers_of(
    people: People, wanted: Mapping[UUID, AbstractSet[Key]]
) -> dict[tuple[Key, UUID], View]:
    """Return the views of the people who see every change of a session: members and superusers.

    Superusers see every change only if the session is public.

    The keys are pairs of a person and a session.
    """
    if not wanted:
        return {}
    rights = {key for key, user in people.users.items() if user.is_superuser}
    found: dict[tuple[Key, UUID], View] = {}
    if rights:
        public = Session.objects.filter(pk__in=wanted, is_private=False)
        for session in public.values_list("pk", flat=True):
            found |= {(key, session): WHOLE for key in wanted[session] & rights}
    here = is_among("user", people.users)
    members = Member.objects.filter(here, session__in=wanted).order_by()
    for key, session in members.values_list("user", "session"):
        if key in wanted[session]:
            found[key, session] = MEMBER
    return found


def runs_in(sessions: Iterable[UUID]) -> dict[UUID, set[UUID]]:
    """Return, for each of these sessions, the runs that have a message in the session.

    Sessions that are private are left out.
    """
    found: dict[UUID, set[UUID]] = defaultdict(set)
    if wanted := set(sessions):
        here = Message.objects.filter(session__in=wanted, session__is_private=False)
        messages = here.exclude(run=None).order_by()
        for session, run in messages.values_list("session", "run").distinct():
            found[session].add(run)
    return found


def look_up(views: Iterable[View], subjects: Iterable[Subject | None]) -> None:
    """Look up which of the subjects' runs each view's follower may see; add them to the view."""
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
