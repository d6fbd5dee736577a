"""The participants of a session, as far as the viewer may see what they wrote or answered."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import BigIntegerField, Max, Min, Q, Value
from django.utils.translation import gettext as _

from chat.models import HumanResponse, Message
from chat.parts import Part
from dashboard.overview.lists import Listed
from procedures.among import is_among
from procedures.run_lists import MOST_COUNTED
from procedures.users import name_field
from procedures.viewers import Key

MOST_BESIDE = 50
"""The maximum number of runs, requests, files and people listed beside a session."""
MOST_WRITERS = 20
"""The maximum number of writers without membership to whom the composer offers a reply."""
SAID, ANSWERED, JOINED = range(3)
"""The kinds of acts: a person wrote something, answered a request, or joined the session."""


@dataclass(frozen=True)
class Read:
    """The data that a page has read of a session for its transcript, and doesn't read again."""

    messages: Sequence[Message] = ()
    is_all: bool = False
    """True if the viewer may read no other messages of the session."""
    listed: Mapping[UUID, Listed] = field(default_factory=dict)
    """Runs with their states, by id."""

    @property
    def cards(self) -> Iterator[Message]:
        return (one for one in self.messages if one.kind == Message.Kind.RUN)


class _Act(NamedTuple):
    """The acts of one kind by one person in a session, with the time of the first one."""

    kind: int
    person: Key
    name: str
    at: datetime
    seq: int | None
    """The number of the person's last message; 0 or None if there is none."""


@dataclass
class Participant:
    """A person who has written or answered in a session, or is a member of it."""

    name: str
    first_at: datetime | None = None
    """The time of the first message or answer; None if the viewer may see none."""
    last_seq: int = 0
    """The number of the last message that the participant wrote; 0 if there is none."""
    joined_at: datetime | None = None
    """The time at which the participant became a member; None for somebody who isn't one."""

    def note(self, act: _Act) -> None:
        if act.kind == JOINED:
            self.joined_at = act.at
        else:
            self.first_at = min(self.first_at or act.at, act.at)
            self.last_seq = max(self.last_seq, act.seq or 0)


Participants = Mapping[Key, Participant]


def participants_of(part: Part, read: Read) -> Participants:
    """Return the people who have written or answered, and the members of the session, by key.

    If there are more than `MOST_COUNTED` members, only those who joined first are read, and those
    who have written or answered.
    """
    members = part.session.members.order_by("joined_at", "pk")
    columns = (Value(JOINED), "user", f"user__{name_field()}", "joined_at", Value(0))
    acts = list(map(_Act._make, members.values_list(*columns)[: MOST_COUNTED + 1]))
    is_cut = len(acts) > MOST_COUNTED
    acts += (
        _acts_in(read.messages) if read.is_all else _acts_of(part, are_many=len(acts) > MOST_BESIDE)
    )
    if is_cut:
        known = {act.person for act in acts if act.kind == JOINED}
        others = {act.person for act in acts} - known
        acts += map(_Act._make, members.filter(is_among("user", others)).values_list(*columns))
    found: dict[Key, Participant] = {}
    for act in acts:
        found.setdefault(act.person, Participant(act.name)).note(act)
    return found


def listed_people(part: Part, found: Participants) -> list[tuple[str, datetime, bool]]:
    """Return the people's names, and when each of them joined or first took part; members first.

    The third value of each is True for a member of the session, if the viewer may know the members.
    If there are many members, only members are returned.
    """
    rows = list[tuple[str, datetime, bool]]()
    for one in found.values():
        joined_at = one.joined_at if part.is_whole else None
        if since := joined_at or one.first_at:
            rows.append((one.name, since, joined_at is not None))
    members = [row for row in rows if row[2]]
    return sorted(
        members if len(members) > MOST_BESIDE else rows, key=lambda row: (not row[2], row[1])
    )


def writers_of(part: Part, found: Participants, read: Read) -> list[tuple[UUID, str]]:
    """Return the last message of each writer who isn't a member, as a choice to reply to.

    Such a writer sees only direct replies.
    """
    others = [
        (one.last_seq, one.name)
        for key, one in found.items()
        if one.last_seq and one.joined_at is None and key != part.user.pk
    ]
    names = dict(sorted(others)[:MOST_WRITERS])
    if read.is_all or not names:
        keys = [(one.seq, one.pk) for one in read.messages if one.seq in names]
    else:
        keys = list(part.messages.filter(seq__in=names).order_by("seq").values_list("seq", "pk"))
    return [(pk, _("To {name}").format(name=names[seq])) for seq, pk in keys]


def _acts_in(messages: Sequence[Message]) -> Iterator[_Act]:
    """Yield an act for each of these messages that has an author, and for each answer to them."""
    for one in messages:
        if one.author:
            seq = one.seq if one.kind == Message.Kind.PERSON else 0
            yield _Act(SAID, one.author_id, one.author.get_username(), one.at, seq)
        for given in one.request.responses.all() if one.request else ():
            yield _Act(ANSWERED, given.user_id, given.user.get_username(), given.at, 0)


def _acts_of(part: Part, *, are_many: bool) -> Iterator[_Act]:
    """Yield the acts of all people who have written or answered in the session.

    If there are many members, answers aren't read, because then only members are listed, and open
    pages read this after each change.
    """
    name, none = name_field(), Value(0, output_field=BigIntegerField())
    last = Max("seq", filter=Q(kind=Message.Kind.PERSON))
    written = part.messages.exclude(author=None).order_by()
    said = written.values_list(Value(SAID), "author", f"author__{name}")
    said = said.annotate(first_at=Min("at"), last_seq=last)
    given = HumanResponse.objects.filter(request__in=part.requests).order_by()
    answered = given.values_list(Value(ANSWERED), "user", f"user__{name}")
    answered = answered.annotate(first_at=Min("at"), last_seq=none)
    return map(_Act._make, said if are_many else said.union(answered, all=True))
