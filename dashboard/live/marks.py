"""Marks, each of which says what had been committed when the lists of a page were read.

The server puts a mark for each of the streams `inbox` and `runs` into a page. When the page follows
the stream, it sends the mark back. The page is told to read its lists again only if a change that
affects its user was committed after the mark was made.
"""

import json
import os
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b, sha256
from itertools import chain
from typing import Any, NamedTuple, Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db.models import Q, QuerySet

from chat.models import RequestEvent
from chat.models.delegation import deputies_among, principals_of
from chat.services import ActivePeople, waiting_of
from chat.services.waiting import MOST, Waiting
from dashboard.live.positions import CHANGES, MOST_READ, Position, Positions, RowsSince
from procedures.access import OPERATE, SEEING, sees_all
from procedures.engine.journal.events import RunStatus
from procedures.holdings import holdings_of
from procedures.models import Event, Grant, Run, RunInput
from procedures.users import User
from procedures.viewers import Key, People, who_sees

NONE: frozenset[UUID] = frozenset()
LATEST_NOTE = timedelta(seconds=10)
"""The maximum time between the time that a worker stores in a row and the commit of this row."""
LENGTH, NONCE, TAG = 160, 12, 16
"""The length of an unencrypted mark in characters, and of its nonce and its tag in bytes."""
SEALED = -(-(NONCE + LENGTH + TAG) // 3) * 4
"""The length of an encrypted mark, in characters."""
INBOX_TABLE, RUN_TABLES = "changes", ("events", "inputs", "answers")
Marked = tuple[Key, str]
"""The key of a user, and the mark with which one of the user's pages was drawn."""
INBOX_MARK = re.compile(r"(\d{1,18}-\d{1,18}-\d{1,3})\.([0-9a-f]{16})", re.ASCII)
RUNS_MARK = re.compile(
    r"(\d{1,18}-\d{1,18}-\d{1,3})\.(\d{1,18}-\d{1,18}-\d{1,3})\.(\d{1,18}-\d{1,18}-\d{1,3})"
    r"\.(\d{1,13})\.([0-9a-f]{16})",
    re.ASCII,
)


def seal(text: str) -> str:
    """Return a mark as encrypted text.

    The text is different each time, and its length is always the same. Without encryption, a person
    could learn from marks how many changes happen that the person may not see.
    """
    nonce = os.urandom(NONCE)
    data = _cipher_of(settings.SECRET_KEY).encrypt(nonce, text.ljust(LENGTH).encode(), None)
    return urlsafe_b64encode(nonce + data).decode()


def unseal(mark: str) -> str:
    """Return the text of an encrypted mark, or "" if this site hasn't encrypted the text."""
    try:
        sealed = urlsafe_b64decode(mark)
        data = _cipher_of(settings.SECRET_KEY).decrypt(sealed[:NONCE], sealed[NONCE:], None)
    except (InvalidTag, ValueError):
        return ""
    return data.decode().rstrip()


@lru_cache(maxsize=1)
def _cipher_of(secret: str) -> AESGCM:
    return AESGCM(sha256(b"countersign marks" + secret.encode()).digest())


def digest(parts: Iterable[object]) -> str:
    return blake2b(" ".join(sorted(map(str, parts))).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class InboxMark:
    """The mark of a person's inbox, which shows the requests that wait for the person."""

    changes: Position
    waiting: str
    """A digest of the ids of the requests that wait for the person."""

    def __str__(self) -> str:
        return seal(f"{self.changes}.{self.waiting}")

    @classmethod
    def parse(cls, text: str) -> Self | None:
        found = INBOX_MARK.fullmatch(unseal(text))
        return cls(Position.parse(found[1]), found[2]) if found else None


def inbox_marks(
    position: Position,
    waiting: Mapping[Key, Waiting],
    members: Callable[[], Iterable[tuple[int, Key]]],
) -> dict[Key, InboxMark]:
    """Return the mark of each person's inbox.

    A mark consists of a position and the requests that wait for the person. `position` must have
    been read before the requests. If `waiting` has `MOST` requests of a person or more, it may lack
    others, so the mark contains the person's groups instead. `members` returns pairs of the key of
    a group and the key of a user in this group.
    """
    many = {key: set[int]() for key, found in waiting.items() if len(found) >= MOST}
    for group, key in members() if many else ():
        if key in many:
            many[key].add(group)
    return {
        key: InboxMark(position, digest(many.get(key, found))) for key, found in waiting.items()
    }


def outdated_inbox_pages(
    marked: Collection[Marked], now: Mapping[Key, InboxMark], present: ActivePeople
) -> set[Marked]:
    """Return the pages whose inboxes may lack a change that affects their users.

    `now` has the current mark of each person. The number of queries depends neither on the number
    of pages nor on the number of changes.
    """
    marks = {one: (InboxMark.parse(one[1]), now.get(one[0])) for one in marked}
    late, positions = set[Marked](), dict[Marked, Position]()
    for one, (mark, current) in marks.items():
        if mark is None or current is None or mark.waiting != current.waiting:
            late.add(one)
        elif mark.changes != current.changes:
            positions[one] = mark.changes
    if not positions:
        return late
    rows = RowsSince(CHANGES, "whom", positions.values())
    names = {at: _names_in(rows.after(at)) for at in set(positions.values())}
    asked = present.people({"", *chain(*filter(None, names.values()))})
    for one, at in positions.items():
        named = names[at]
        if named is None or any(one[0] in asked[name] for name in named):
            late.add(one)
    return late


def _names_in(changes: set[str] | None) -> set[str] | None:
    if changes is None:
        return None
    # A change that names nobody may still affect superusers, who are found under "".
    return {name for whom in changes for name in ["", *json.loads(whom)]}


@dataclass(frozen=True, slots=True)
class RunsPosition:
    """The positions of the newest events, answers and `RunInput` rows, and the database's time."""

    events: Position
    inputs: Position
    answers: Position
    """The position of the newest entries in the histories of requests; each answer adds one."""
    at: int
    """The database's time in milliseconds since 1970."""

    def __str__(self) -> str:
        return f"{self.events}.{self.inputs}.{self.answers}.{self.at}"

    @classmethod
    def now(cls) -> Self:
        return cls.of(Positions.read(*RUN_TABLES))

    @classmethod
    def of(cls, positions: Positions) -> Self:
        events, inputs, answers = (positions.by_table[table] for table in RUN_TABLES)
        return cls(events, inputs, answers, int(positions.at.timestamp() * 1000))


@dataclass(frozen=True, slots=True)
class RunsMark:
    """The mark of a person's lists of runs."""

    position: RunsPosition
    seen: str
    """A digest of the value of `grounds_of` for the person."""

    def __str__(self) -> str:
        return seal(f"{self.position}.{self.seen}")

    @classmethod
    def parse(cls, text: str) -> Self | None:
        found = RUNS_MARK.fullmatch(unseal(text))
        if not found:
            return None
        events, inputs, answers = map(Position.parse, found.groups()[:3])
        return cls(RunsPosition(events, inputs, answers, int(found[4])), found[5])


def grounds_of(people: People) -> dict[Key, frozenset[Any]]:
    """Return the roles and delegations on which each person's view of runs depends.

    The result has a set for each person. The set contains the primary keys of the procedures of
    which the person sees all runs, None if the person sees all runs of all procedures, and a text
    such as "for 7" for each person for whom the person stands in. Runs that the person sees for
    other reasons, such as a request, aren't in the set.
    """
    seen = defaultdict[Key, set[Any]](set)
    for principal, deputies in deputies_among(people.users.keys()).items():
        for key in deputies:
            seen[key].add(f"for {principal}")
    grants = Grant.objects.filter(role__in=SEEING).order_by()
    for procedure, group in grants.values_list("procedure", "group"):
        for key in people.members_of(group):
            seen[key].add(procedure)
    for key in people.holders_of([OPERATE])[OPERATE]:
        seen[key].add(None)
    return {key: frozenset(seen[key]) for key in people.users}


class Grounds(NamedTuple):
    """The roles and delegations on which one person's view of runs depends."""

    seen: frozenset[Any]
    """The value of `grounds_of` for the person."""
    is_operator: bool
    """The value of `access.is_operator` for the person."""


def grounds_of_one(user: User) -> Grounds:
    """Return one person's roles and delegations, on which the person's view of runs depends.

    Every page reads these roles and delegations for the person anyway, so no query is added.
    """
    held, operates_all = holdings_of(user), sees_all(user)
    seen: set[Any] = {f"for {one.pk}" for one in principals_of(user)}
    seen |= held.procedures(*SEEING)
    if operates_all:
        seen.add(None)
    is_operator = operates_all or bool(held.procedures("operate"))
    return Grounds(frozenset(seen), is_operator)


def outdated_run_pages(
    marked: Collection[Marked], now: RunsPosition, seen: Mapping[Key, str], people: People
) -> set[Marked]:
    """Return the pages that may lack a change to a run that their users may see.

    `seen` has the digest of each person's current grounds.
    """
    late, positions = set[Marked](), dict[Marked, RunsPosition]()
    for one in marked:
        mark = RunsMark.parse(one[1])
        if mark is None or mark.seen != seen.get(one[0]):
            late.add(one)
        else:
            positions[one] = mark.position
    if not positions:
        return late
    changed = _changed_since(set(positions.values()), now)
    wanted: dict[UUID, set[Key]] = defaultdict(set)
    for (key, _), at in positions.items():
        for run in changed[at] or ():
            wanted[run].add(key)
    visible = who_sees(people, wanted)
    for one, at in positions.items():
        runs = changed[at]
        if runs is None or any(one[0] in visible.get(run, ()) for run in runs):
            late.add(one)
    return late


def _changed_since(
    positions: Collection[RunsPosition], now: RunsPosition
) -> dict[RunsPosition, frozenset[UUID] | None]:
    """Return the runs that may have changed since each position.

    If there are too many such runs for a position, None takes their place.
    """
    events = _rows_after(Event.objects.all(), {one.events for one in positions} - {now.events})
    inputs = _rows_after(RunInput.objects.all(), {one.inputs for one in positions} - {now.inputs})
    answering = RequestEvent.objects.with_changed_run()
    answers = _rows_after(answering, {one.answers for one in positions} - {now.answers}, "changed")
    taken = _claimed_or_queued_since(min(one.at for one in positions))
    found: dict[RunsPosition, frozenset[UUID] | None] = {}
    for one in positions:
        parts = (
            *(events.get(one.events, NONE), inputs.get(one.inputs, NONE)),
            answers.get(one.answers, NONE),
        )
        if None in parts or len(taken) >= MOST_READ:
            found[one] = None
        else:
            changed = NONE.union(*filter(None, parts))
            found[one] = changed | {run for run, at in taken if at > _time(one.at)}
    return found


def _rows_after(
    rows: QuerySet[Any], positions: Collection[Position], field: str = "run"
) -> dict[Position, frozenset[UUID] | None]:
    if not positions:
        return {}
    since = RowsSince(rows, field, positions)
    found = {one: since.after(one) for one in positions}
    return {one: None if new is None else frozenset(new - {None}) for one, new in found.items()}


def _claimed_or_queued_since(moment: int) -> list[tuple[UUID, datetime]]:
    """Return the runs that were claimed or queued after `moment`, each with the latest such time.

    `moment` is in milliseconds since 1970. A claim adds no event to the journal, so the positions
    of events don't show it.
    """
    since = _time(moment)
    is_taken = Q(reached_at__gt=since) | Q(working_since__gt=since)
    running = Run.objects.filter(is_taken, status=RunStatus.RUNNING)
    queued = Run.objects.filter(status=RunStatus.QUEUED, queued_at__gt=since)
    rows = running.order_by().values_list("pk", "reached_at", "working_since")[:MOST_READ]
    found = [(pk, max(filter(None, times))) for pk, *times in rows]
    waiting = queued.order_by().values_list("pk", "queued_at")[:MOST_READ]
    return found + [(pk, at) for pk, at in waiting if at]


def _time(moment: int) -> datetime:
    return datetime.fromtimestamp(moment / 1000, UTC) - LATEST_NOTE


class PageMarks(NamedTuple):
    """The marks of a person's page, with facts about the person that were read for the marks."""

    at: datetime
    waiting: Waiting
    """The requests that wait for the person."""
    inbox: InboxMark
    runs: RunsMark | None
    is_operator: bool | None
    """True if the person operates any procedure. None if the page has no mark for runs."""


def page_marks(user: User, *, with_runs: bool) -> PageMarks:
    """Return the marks for a person's page. Call it before anything else for the page is read."""
    positions = Positions.read(INBOX_TABLE, *(RUN_TABLES if with_runs else ()))
    waiting, changes = waiting_of(user), positions.by_table[INBOX_TABLE]
    inbox = inbox_marks(
        changes,
        {user.pk: waiting},
        lambda: ((group, user.pk) for group in holdings_of(user).groups),
    )[user.pk]
    if not with_runs:
        return PageMarks(positions.at, waiting, inbox, None, None)
    grounds = grounds_of_one(user)
    runs = RunsMark(RunsPosition.of(positions), digest(grounds.seen))
    return PageMarks(positions.at, waiting, inbox, runs, grounds.is_operator)


def inbox_mark(user: User) -> tuple[InboxMark, Waiting]:
    """Return the mark for a person's inbox, and the requests that wait for the person."""
    marks = page_marks(user, with_runs=False)
    return marks.inbox, marks.waiting


def runs_mark(user: User) -> RunsMark:
    return RunsMark(RunsPosition.now(), digest(grounds_of_one(user).seen))
