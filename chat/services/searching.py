"""The search in the texts of people and runs, limited to those that the searcher may see."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from itertools import chain, repeat
from typing import NamedTuple
from uuid import UUID

from django.db.models import Exists, OuterRef

from chat.access import Sight, readable_messages, sessions_of, titles_for
from chat.feed import audiences_of
from chat.grams import Query, Snippet
from chat.models import FeedEntry, Member, Message, Searchable, Session
from chat.models.message import MessageQuerySet
from chat.models.searchable import SearchableQuerySet
from procedures import access
from procedures.among import is_among
from procedures.engine.values.visible import visible_line
from procedures.store.merging import GLANCE, HANDFUL, first_seen
from procedures.users import User

FEW = 5000
"""The most sessions that a search names; for somebody who sees more, it joins their rows."""
NEAR = 5000
"""The number of newest texts that are read without the index.

A frequent word is found among them at once. By the index, all texts with that word would be fetched
before the newest were known.
"""
MOST_TESTED = 2000
"""The approximate number of texts whose access is checked for one page; the next page goes on."""
MOST_GLANCED_AT = 400
"""The same number for results that are shown while somebody types."""
LONGEST_SNIPPET = 180


@dataclass(frozen=True)
class TextFilter:
    """The words that a text must contain, and further conditions for it."""

    text: str
    kinds: Collection[str] = ()
    """The kinds of texts to find, such as "person"; empty for all."""
    session: UUID | None = None
    """The session in which to search; None for all."""


class Row(NamedTuple):
    """A matching text, by its keys; it is not known yet who may see it."""

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
    """A text that was found, with what leads to it."""

    kind: str
    session: UUID
    title: str
    """The title of the session, as the person sees it."""
    message: UUID | None
    """The entry of the transcript that shows the text; None for a session's title."""
    request: UUID | None
    run: UUID | None
    by: str
    """The name of the person, or of the run, that said it; "" for a session's title."""
    at: datetime
    pieces: list[tuple[str, bool]]
    """The text around the first match, in pieces, each with True if it matches the search."""

    @property
    def snippet(self) -> str:
        return "".join(piece for piece, _ in self.pieces)


@dataclass(frozen=True)
class Found:
    """A page of hits, newest first, with the place where the next page begins; None at the end."""

    hits: Sequence[Hit] = ()
    next: int | None = None


def search_texts(
    user: User,
    wanted: TextFilter,
    *,
    most: int,
    before: int | None = None,
    sight: Sight | None = None,
    is_glance: bool = False,
) -> Found:
    """Return the newest texts that fit the filter and that a user may see.

    `before` is the `next` of the previous page. A page may have few texts or none although others
    follow, because access is checked for a limited number of texts per page. This number is smaller
    if `is_glance` is true.
    """
    query = Query(wanted.text)
    if not query or not user.is_active:
        return Found()
    texts = Searchable.objects.all()
    if wanted.kinds:
        texts = texts.filter(kind__in=wanted.kinds)
    here = wanted.session
    texts = texts.filter(session=here) if here else _within_reach(texts, user)
    within = MOST_GLANCED_AT if is_glance else MOST_TESTED
    return _Search(user, query, texts, sight or Sight(user)).page(most, before, within)


class _Search:
    """A search of some texts by one person."""

    def __init__(self, user: User, query: Query, texts: SearchableQuerySet, sight: Sight) -> None:
        self._user, self._query, self._texts, self._sight = user, query, texts, sight
        self._entries: dict[UUID, Message] = {}
        """The readable entries found so far, by their own keys and by those of their requests."""
        self._last: int | None = None
        """The last text whose access was checked."""

    def page(self, most: int, before: int | None, within: int) -> Found:
        following = partial(self._following, before)
        batches = chain([GLANCE], repeat(HANDFUL))
        rows, is_all = first_seen(following, self._seen, most + 1, within=within, batches=batches)
        shown = rows[:most]
        if len(rows) > most:
            return Found(self._hits(shown), shown[-1].pk)
        return Found(self._hits(shown), None if is_all else self._last)

    def _following(self, before: int | None, last: Row | None, count: int) -> list[Row]:
        end = last.pk if last else before
        texts = self._texts if end is None else self._texts.filter(pk__lt=end)
        rows = list[Row]()
        if end is None or end > self._start + 1:
            rows = _newest(texts.filter(pk__gt=self._start).containing(self._query), count)
        if len(rows) < count:
            older = texts.filter(pk__lte=self._start).matching(self._query)
            rows += _newest(older, count - len(rows))
        self._last = rows[-1].pk if rows else self._last
        return rows

    @cached_property
    def _start(self) -> int:
        """The key above which texts are read one by one, newest first, without the index."""
        newest = Searchable.objects.order_by("-pk").values_list("pk", flat=True).first()
        return (newest or 0) - NEAR

    def _seen(self, rows: Sequence[Row]) -> set[Row]:
        """Return the rows whose entry, request or title the person may read."""
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
        """Return the sessions whose own title the person sees, and not the title of a run."""
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
    keys = texts.order_by("-pk").values_list("pk", "kind", "session", "message", "request")
    return [Row(*found) for found in keys[:count]]


def _light(messages: MessageQuerySet) -> MessageQuerySet:
    """Load only the fields that decide who may read messages, also those of related rows."""
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


def _within_reach(texts: SearchableQuerySet, user: User) -> SearchableQuerySet:
    """Return the texts of the sessions of which a user sees something.

    A search by somebody who sees little must not take longer because of texts that they may not
    see. Otherwise it would be slow, and its duration would tell how many there are.
    """
    if access.sees_all(user):
        return texts
    mine = sorted(set(audiences_of(user)))
    fed = FeedEntry.objects.filter(audience__in=mine).order_by()
    joined = sessions_of(user).order_by()
    found = [*fed.values_list("session", flat=True)[: FEW + 1], *joined[: FEW + 1]]
    if len(found) <= FEW:
        return texts.filter(is_among("session_id", set(found)))
    is_fed = Exists(fed.filter(session=OuterRef("session")))
    is_joined = Exists(Member.objects.filter(session=OuterRef("session"), user=user).order_by())
    return texts.filter(is_fed | is_joined)
