"""The search in what people and runs have written, limited to what the user may see."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, repeat
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, F, Max, OuterRef

from chat.access import AccessCache, readable_messages, sessions_of, titles_for
from chat.feed import audiences_of
from chat.grams import Query, Snippet
from chat.models import FeedEntry, Member, Message, Searchable, Session
from chat.models.message import MessageQuerySet
from chat.models.searchable import SearchableQuerySet, contains
from procedures import access
from procedures.among import is_among
from procedures.engine.values.visible import visible_line
from procedures.store.merging import GLANCE, HANDFUL, first_seen, merged, of_id
from procedures.users import User

FEW = 5000
"""The maximum number of sessions for which the search lists the sessions' ids in its query.

For a user who sees more sessions, the query tests each text instead.
"""
SAMPLE, OFTEN = 2000, 40
"""The sample that decides whether a query's words are frequent.

They are frequent if more than `OFTEN` of the `SAMPLE` newest texts match the query. The index isn't
used for frequent words, because it would return all matching texts and not just the newest ones.
"""
MOST_FETCHED = 2000
"""The maximum number of texts that are fetched with the index.

If the index finds more texts, the query's words count as frequent.
"""
MOST_READ = 20_000
"""The number of texts that are read for one page if the query's words are frequent.

The next page continues after these texts.
"""
FEW_TEXTS = 5000
"""If a user's search covers at most this many texts, all of them are read, without the index."""
MOST_TESTED = 2000
"""The approximate maximum number of texts whose access is checked for one page.

The next page continues after these texts.
"""
MOST_GLANCED_AT = 400
"""The counterpart of `MOST_TESTED` for the results that are shown while somebody types."""
LONGEST_SNIPPET = 180
SORTED = (F("pk") * -1).asc()
"""An order, newest first, for a query that returns few texts.

The order is written so that PostgreSQL can't use the index of the keys, with which it might read
all texts until enough of them match.
"""


@dataclass(frozen=True)
class TextFilter:
    """The search's words, all of which a text must contain, and further conditions."""

    text: str
    kinds: Collection[str] = ()
    """The kinds of texts to find, such as "person"; empty for all."""
    session: UUID | None = None
    """The session in which to search; None for all sessions."""


class Row(NamedTuple):
    """The keys of a matching text, before it has been checked whether the user may see the text."""

    pk: int
    kind: str
    session: UUID
    message: UUID | None
    request: UUID | None

    @property
    def is_title(self) -> bool:
        return self.message is None and self.request is None


@dataclass(frozen=True)
class Hit:
    """A text that was found, with the entry, the session and the run that lead to the text."""

    kind: str
    session: UUID
    title: str
    """The title under which the user sees the session."""
    message: UUID | None
    """The id of the transcript entry that shows the text; None for a session's title."""
    request: UUID | None
    run: UUID | None
    by: str
    """The name of the person or run that wrote the text; "" for a session's title."""
    at: datetime
    pieces: list[tuple[str, bool]]
    """The text around the first match, in pieces, each with True if it is a match, else False."""

    @property
    def snippet(self) -> str:
        return "".join(piece for piece, _ in self.pieces)


@dataclass(frozen=True)
class FoundPage:
    """A page of hits, newest first. `next` is where the next page begins; None on the last page."""

    hits: Sequence[Hit] = ()
    next: int | None = None


def search_texts(
    user: User,
    wanted: TextFilter,
    *,
    most: int,
    before: int | None = None,
    sight: AccessCache | None = None,
    is_glance: bool = False,
) -> FoundPage:
    """Return a page of the newest texts that fit the filter and that the user may see.

    Pass the `next` of the previous page as `before`. A page can have few texts or none although
    further pages follow, because access is checked for a limited number of texts per page. The
    number is smaller if `is_glance` is true.
    """
    query = Query(wanted.text)
    if not query or not user.is_active:
        return FoundPage()
    within = MOST_GLANCED_AT if is_glance else MOST_TESTED
    return _Search(user, wanted, query, sight or AccessCache(user)).page(most, before, within)


@dataclass(frozen=True)
class _SearchScope:
    """The texts in which a search looks; the user may not be allowed to see all of them."""

    texts: SearchableQuerySet
    is_one_session: bool = False
    is_named: bool = False
    """True if the texts are those of at most `FEW` sessions, which are named in the query."""

    def start(self, end: int, count: int) -> int:
        """Return the smallest key to read, so that about `count` texts below `end` are read.

        Return 0 if all texts with keys below `end` can be read.
        """
        before = self.texts.filter(pk__lt=end)
        if self.is_one_session:
            keys = before.order_by("-pk").values_list("pk", flat=True)
            return next(iter(keys[count : count + 1]), 0)
        if self.is_named and before.order_by()[: count + 1].count() <= count:
            return 0
        return max(end - count, 0)


class _Search:
    """A search by one user.

    Each page reads a limited number of texts, however many texts there are and however many match.
    """

    def __init__(self, user: User, wanted: TextFilter, query: Query, sight: AccessCache) -> None:
        self._user, self._query, self._sight = user, query, sight
        self._reach = _reach_in(wanted.session) if wanted.session else _reach_of(user)
        self._texts = self._reach.texts
        if wanted.kinds:
            self._texts = self._texts.filter(kind__in=wanted.kinds)
        self._entries: dict[UUID, Message] = {}
        """The readable entries found so far, by their own ids and by the ids of their requests."""
        self._last: int | None = None
        """The key of the last text whose access was checked; None if no access was checked."""

    def page(self, most: int, before: int | None, within: int) -> FoundPage:
        texts, start = self._candidates(before)

        def following(last: Row | None, count: int) -> list[Row]:
            rows = _newest(texts.filter(pk__lt=last.pk) if last else texts, count)
            self._last = rows[-1].pk if rows else self._last
            return rows

        batches = chain([GLANCE], repeat(HANDFUL))
        rows, is_all = first_seen(following, self._seen, most + 1, within=within, batches=batches)
        shown = rows[:most]
        if len(rows) > most:
            return FoundPage(self._hits(shown), shown[-1].pk)
        return FoundPage(self._hits(shown), (start or None) if is_all else self._last)

    def _candidates(self, before: int | None) -> tuple[SearchableQuerySet, int]:
        """Return the matching texts with keys below `before`, and the key at which reading ends.

        The newest text comes first. The key is 0 if all texts are read.
        """
        end, are_frequent = self._sampled(before)
        texts = self._texts.filter(pk__lt=end).containing(self._query)
        if not self._reach.start(end, FEW_TEXTS):
            return texts.order_by(SORTED), 0
        keys = None if are_frequent else self._fetched()
        if keys is not None:
            return texts.filter(is_among("pk", keys)).order_by(SORTED), 0
        start = self._reach.start(end, MOST_READ)
        return texts.filter(pk__gte=start).order_by("-pk"), start

    def _sampled(self, before: int | None) -> tuple[int, bool]:
        """Check whether the query's words are frequent among the newest texts.

        Only the `SAMPLE` newest texts with keys below `before` are read, or the newest of all if
        `before` is None. Returns a key greater than all keys that were read, and True if more than
        `OFTEN` of the texts match the query.
        """
        newest = Searchable.objects.filter(pk__lt=before) if before else Searchable.objects.all()
        count = Count("pk", filter=contains(self._query))
        found = newest.order_by("-pk")[:SAMPLE].aggregate(last=Max("pk"), count=count)
        return (found["last"] or 0) + 1, found["count"] > OFTEN

    def _fetched(self) -> list[int] | None:
        """Return the keys of the texts that the index finds; None if it finds too many."""
        keys = Searchable.objects.fitting(self._query).order_by().values_list("pk", flat=True)
        found = list(keys[: MOST_FETCHED + 1])
        return found if len(found) <= MOST_FETCHED else None

    def _seen(self, rows: Sequence[Row]) -> set[Row]:
        """Return the rows that the user may see.

        The user must be allowed to read the row's transcript entry, request or session title.
        """
        self._entries |= self._readable(rows)
        titles = self._titles_seen(row.session for row in rows if row.is_title)
        return {
            row for row in rows if self._entry_of(row) or (row.is_title and row.session in titles)
        }

    def _readable(self, rows: Sequence[Row]) -> dict[UUID, Message]:
        messages = {row.message for row in rows if row.message}
        requests = {row.request for row in rows if row.request}
        found = list(_light(Message.objects.filter(pk__in=messages)))
        found += _light(Message.objects.filter(request__in=requests)) if requests else []
        readable = readable_messages(self._sight, found)
        of_requests = {one.request_id: one for one in readable if one.request_id}
        return {one.pk: one for one in readable} | of_requests

    def _titles_seen(self, sessions: Iterable[UUID]) -> set[UUID]:
        """Return the sessions that the user sees under their own title, not under that of a run."""
        wanted = set(sessions)
        if not wanted:
            return wanted
        shown = titles_for(self._user, wanted, sight=self._sight)
        own = Session.objects.filter(pk__in=shown).values_list("pk", "title")
        return {pk for pk, title in own if shown[pk] == title}

    def _entry_of(self, row: Row) -> Message | None:
        key = row.message or row.request
        return self._entries.get(key) if key else None

    def _hits(self, rows: Sequence[Row]) -> list[Hit]:
        titles = titles_for(self._user, {row.session for row in rows}, sight=self._sight)
        entries = {entry.pk for row in rows if (entry := self._entry_of(row))}
        named = Message.objects.filter(pk__in=entries).select_related("author", "run__procedure")
        whole = {one.pk: one for one in named.only("author", "run__subject", "run__procedure")}
        texts = Searchable.objects.filter(pk__in=[row.pk for row in rows]).select_related("by")
        by_key = {one.pk: one for one in texts.defer("folded", "grams")}
        return [
            self._hit(by_key[row.pk], self._entry_of(row), whole, titles.get(row.session, ""))
            for row in rows
            if row.pk in by_key
        ]

    def _hit(
        self, text: Searchable, entry: Message | None, whole: dict[UUID, Message], title: str
    ) -> Hit:
        pieces = Snippet(text.text, self._query, longest=LONGEST_SNIPPET).pieces
        return Hit(
            kind=text.kind,
            session=text.session_id,
            title=title,
            message=entry.pk if entry else None,
            request=entry.request_id if entry else None,
            run=entry.run_id if entry else None,
            by=_name_of(text, whole.get(entry.pk) if entry else None),
            at=text.at,
            pieces=[(visible_line(piece), is_match) for piece, is_match in pieces],
        )


def _newest(texts: SearchableQuerySet, count: int) -> list[Row]:
    keys = texts.values_list("pk", "kind", "session", "message", "request")
    return [Row(*found) for found in keys[:count]]


def _light(messages: MessageQuerySet) -> MessageQuerySet:
    """Load only the fields of messages that decide who may read them.

    The needed fields of their sessions, and of the messages to which they reply, are loaded, too.
    """
    own = ("session", "kind", "author", "run", "request", "reply_to")
    beside = ("session__is_private", "reply_to__author", "reply_to__run")
    return messages.select_related("session", "reply_to").only(*own, *beside)


def _name_of(text: Searchable, entry: Message | None) -> str:
    if text.by_id is not None:
        return text.by.get_username() if text.by else ""
    if entry is None:
        return ""
    if entry.author:
        return entry.author.get_username()
    return entry.run.heading if entry.run else ""


def _reach_in(session: UUID) -> _SearchScope:
    return _SearchScope(Searchable.objects.filter(session=session), is_one_session=True)


def _reach_of(user: User) -> _SearchScope:
    """Return the texts of all sessions that the user may see at least in part.

    The search must not read other texts. Otherwise, it would be slow for a user who may see little,
    and its duration would reveal how many texts there are.
    """
    texts = Searchable.objects.all()
    if access.sees_all(user):
        return _SearchScope(texts)
    mine = sorted(set(audiences_of(user)))
    fed = FeedEntry.objects.filter(audience__in=mine).order_by()
    parts = (fed.values_list("session"), sessions_of(user).order_by())
    found = merged([part[: FEW + 1] for part in parts], order="1", limit=FEW + 1)
    if len(found) <= FEW:
        sessions = [of_id(session) for (session,) in found]
        return _SearchScope(texts.filter(is_among("session_id", sessions)), is_named=True)
    is_fed = access.has_row(fed.filter(session=OuterRef("session")), column="newest")
    is_joined = access.has_row(Member.objects.filter(session=OuterRef("session"), user=user))
    return _SearchScope(texts.filter(is_fed | is_joined))
