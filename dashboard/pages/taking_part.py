"""The people who take part in a session: its members, and those who have written or answered.

Only messages that the viewer may read, and answers to requests in them, are taken into account.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import BigIntegerField, Max, Min, Q, Value
from django.utils.translation import gettext as _

from chat.models import HumanResponse, Message
from chat.parts import SessionPart
from dashboard.overview.lists import Listed
from procedures.among import is_among
from procedures.run_lists import MOST_COUNTED
from procedures.users import name_field
from procedures.viewers import Key

MOST_BESIDE = 50
"""The maximum number of entries in each list beside a transcript: runs, requests, files, people."""
MOST_WRITERS = 20
"""The maximum number of people who aren't members and whom the composer offers to reply to."""
SAID, ANSWERED, JOINED = range(3)
"""The kinds of `_Act`: a person has written, has answered a request, or has become a member."""


@dataclass(frozen=True)
class ReadSession:
    """The data of a session that a page has already read for its transcript."""

    messages: Sequence[Message] = ()
    is_all: bool = False
    """True if `messages` are all messages of the session that the viewer may read."""
    listed: Mapping[UUID, Listed] = field(default_factory=dict)
    """Runs with their states, by the run's id."""

    @property
    def cards(self) -> Iterator[Message]:
        return (one for one in self.messages if one.kind == Message.Kind.RUN)


class _Act(NamedTuple):
    """One thing that a person did in a session, or all things of one kind that the person did.

    `at` is the time of the first of them.
    """

    kind: int
    person: Key
    name: str
    at: datetime
    seq: int | None
    """The number of the last message that this `_Act` stands for; 0 or None if there is none."""


@dataclass
class Participant:
    """A person who has written or answered in a session, or who is a member of the session."""

    name: str
    first_at: datetime | None = None
    """The time of the person's first message or answer; None if the viewer may see none."""
    last_seq: int = 0
    """The number of the person's last message; 0 if there is none."""
    joined_at: datetime | None = None
    """The time at which the person became a member; None if the person isn't a member."""

    def note(self, act: _Act) -> None:
        if act.kind == JOINED:
            self.joined_at = act.at
        else:
            self.first_at = min(self.first_at or act.at, act.at)
            self.last_seq = max(self.last_seq, act.seq or 0)


Participants = Mapping[Key, Participant]


def participants_of(part: SessionPart, read: ReadSession) -> Participants:
    """Return the members of the session and all who have written or answered, by their keys.

    If there are more than `MOST_COUNTED` members, only those who joined first are returned, and
    everybody who has written or answered.
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


def listed_people(part: SessionPart, found: Participants) -> list[tuple[str, datetime, bool]]:
    """Return names, times and memberships of the people to list beside a transcript; members first.

    The time is that of joining, or else of the first message or answer. The third value is True for
    a member; it is always False if the viewer may not know the members. If there are more than
    `MOST_BESIDE` members, only members are returned.
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


def writers_of(part: SessionPart, found: Participants, read: ReadSession) -> list[tuple[UUID, str]]:
    """Return, for each writer who isn't a member, a choice that the composer offers.

    The choice consists of the id of the writer's last message and a label. Such a writer, who can't
    read the whole session, sees a message only if it is a reply to the writer's own.
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
    """Yield an `_Act` for each message by a person and each answer to a request in a message."""
    for one in messages:
        if one.author:
            seq = one.seq if one.kind == Message.Kind.PERSON else 0
            yield _Act(SAID, one.author_id, one.author.get_username(), one.at, seq)
        for given in one.request.responses.all() if one.request else ():
            yield _Act(ANSWERED, given.user_id, given.user.get_username(), given.at, 0)


def _acts_of(part: SessionPart, *, are_many: bool) -> Iterator[_Act]:
    """Yield, for each person, one `_Act` for all messages in the session and one for all answers.

    If the session has many members (`are_many`), no answers are read, because the page then lists
    only members.
    """
    name, none = name_field(), Value(0, output_field=BigIntegerField())
    last = Max("seq", filter=Q(kind=Message.Kind.PERSON))
    written = part.messages.exclude(author=None).order_by()
    acts = written.values_list(Value(SAID), "author", f"author__{name}")
    acts = acts.annotate(first_at=Min("at"), last_seq=last)
    given = HumanResponse.objects.filter(request__in=part.requests).order_by()
    answered = given.values_list(Value(ANSWERED), "user", f"user__{name}")
    answered = answered.annotate(first_at=Min("at"), last_seq=none)
    return map(_Act._make, acts if are_many else acts.union(answered, all=True))
