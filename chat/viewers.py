"""The people who may see runs as members of a session or because a request asks them.

The functions work on many runs at once.
"""

from collections import defaultdict
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Any
from uuid import UUID

from chat.models import Assignment, Member, Message
from chat.models.delegation import deputies_among
from procedures.among import is_among
from procedures.viewers import Key, Pairs, People, Wanted


def members_of_sessions(people: People, wanted: Wanted) -> Pairs:
    """Yield each run with the members of each session that has an entry of the run."""
    messages = Message.objects.filter(run__in=wanted).order_by()
    entries = list(messages.values_list("run", "session").distinct())
    joined: dict[UUID, set[Key]] = defaultdict(set)
    sessions = {session for _, session in entries}
    here = is_among("user", people.users)
    members = Member.objects.filter(here, session__in=sessions).order_by()
    for session, key in members.values_list("session", "user"):
        joined[session].add(key)
    for run, session in entries:
        yield run, joined[session]


def people_asked(people: People, wanted: Wanted) -> Pairs:
    """Yield each run with the people whom its requests ask, and with these people's deputies."""
    asked = Assignment.objects.filter(request__wait__run__in=wanted).order_by()
    look = ("request__wait__run", "user", "group", "permission")
    rows = list(asked.values_list(*look).distinct())
    given = deputies_among(people.users.keys()) if rows else {}
    named, principals = (
        AssigneeLookup(people, rows),
        AssigneeLookup(People.read(given.keys()), rows),
    )
    for run, *assignee in rows:
        yield run, named.by(*assignee)
        for principal in principals.by(*assignee):
            yield run, given[principal]


class AssigneeLookup:
    """A lookup of the people whom an assignment asks, limited to the given people."""

    def __init__(self, people: People, rows: Iterable[tuple[Any, ...]]) -> None:
        self._people = people
        holders = people.holders_of({permission for *_, permission in rows if permission})
        everywhere = {key for key, user in people.users.items() if user.is_superuser}
        self._holders = {name: keys - everywhere for name, keys in holders.items()}

    def by(self, key: Key | None, group: int | None, permission: str) -> AbstractSet[Key]:
        """Return the keys of the people whom an assignment with these values asks.

        `key` is the key of a user; `group` is the key of a group. The rule is the same as in
        `AssignmentQuerySet.to`.
        """
        if permission:
            return self._holders[permission]
        if group:
            return self._people.members_of(group)
        return {key} & self._people.users.keys()
