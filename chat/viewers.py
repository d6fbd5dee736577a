"""The people who see a run because of a session or a request, found for many runs at once."""

from collections import defaultdict
from collections.abc import Set as AbstractSet
from uuid import UUID

from chat.models import Assignment, Member, Message
from procedures.viewers import Key, Pairs, People, Wanted


def members_of_sessions(people: People, wanted: Wanted) -> Pairs:
    """Yield each run with the members of a session in which the run has an entry."""
    said = Message.objects.filter(run__in=wanted).order_by()
    entries = list(said.values_list("run", "session").distinct())
    joined: dict[UUID, set[Key]] = defaultdict(set)
    sessions = {session for _, session in entries}
    members = Member.objects.filter(session__in=sessions, user__in=people.users).order_by()
    for session, key in members.values_list("session", "user"):
        joined[session].add(key)
    for run, session in entries:
        yield run, joined[session]


def people_asked(people: People, wanted: Wanted) -> Pairs:
    """Yield each run with people to whom one of its requests is assigned."""
    asked = Assignment.objects.filter(request__wait__run__in=wanted).order_by()
    look = ("request__wait__run", "user", "group", "permission")
    rows = list(asked.values_list(*look).distinct())
    holders = people.holders_of({permission for *_, permission in rows if permission})
    for run, key, group, permission in rows:
        keys: AbstractSet[Key] = {key}
        if permission:
            keys = holders[permission]
        elif group:
            keys = people.members_of(group)
        yield run, keys
