"""The results of "Search or do…": procedures, requests, runs and sessions, by words or id.

A search reads the newest rows that a person may see, and compares their names in Python. So it
takes the same time however many runs there are. Rows whose id begins with the searched text are
found by key, however old they are. Only the texts of messages, requests and answers
are found by an index, however old they are; see `chat.services.searching`.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from uuid import UUID

from django.db.models import FilteredRelation, Q

from chat.access import AccessCache, Head, answerable_requests, most_urgent, titles_for
from chat.models import HumanRequest, Member, Message
from chat.services import FoundPage, TextFilter, search_texts
from dashboard.overview.words import short_id
from procedures import access
from procedures.models import Run
from procedures.run_lists import RunList
from procedures.users import User

MOST_FOUND = 6
"""The maximum number of results in one group, such as runs."""
MOST_SEARCHED = 200
"""The maximum number of requests, runs and sessions that a search reads of each kind."""
MOST_ENDS = 2_000
"""The maximum number of runs, the newest ones, among which a search looks for an id's end."""
MOST_TRIED = 50
"""The maximum number of requests, found by the beginning of an id, that are tested for access."""
LONGEST_QUERY = 200
PART_OF_ID = re.compile("[0-9a-f]{6,32}")
"""A text that can be the beginning or the end of an id, without the dashes of the id."""
LARGEST_ID = 2**128 - 1
TIMES = ("opened_at", "due_at", "wait__due_at")


@dataclass(frozen=True)
class SearchResult:
    """One result of a search, other than a text."""

    key: str
    """The id or name with which the address of the result's page ends."""
    title: str
    detail: str = ""
    at: datetime | None = None
    show: str = "ago"
    """The form in which the browser shows the time `at`, such as "ago"; see local-time.js."""


@dataclass(frozen=True)
class Search:
    """A search by one person for a text."""

    user: User
    text: str
    words: list[str] = field(init=False)

    def __post_init__(self) -> None:
        text = self.text.replace("\0", "")[:LONGEST_QUERY]
        object.__setattr__(self, "words", text.casefold().split())

    def fits(self, *texts: str) -> bool:
        """Return True if each of the searched words occurs in at least one of these texts."""
        known = "\n".join(texts).casefold()
        return all(word in known for word in self.words)

    def procedures(self) -> list[SearchResult]:
        """Return the matching procedures that the person may start."""
        found = access.procedures_for(self.user, "start").values_list("name", "title")
        return _first(
            SearchResult(name, title, name) for name, title in found if self.fits(name, title)
        )

    def requests(self) -> list[SearchResult]:
        """Return the matching open requests that the person may answer, most urgent first."""
        ids = [self._id] if self._id else [*self._open_by_id(), *self._most_urgent()]
        open_ones = answerable_requests(self.user) if self._id else HumanRequest.objects.open()
        rows = (
            open_ones.filter(pk__in=ids)
            .by_urgency()
            .values_list("pk", "prompt", "wait__run__procedure__title", *TIMES)
        )
        return _first(
            SearchResult(str(pk), prompt, title, *_shown_time(*times))
            for pk, prompt, title, *times in rows
            if self._is_found(pk, prompt, title)
        )

    def _open_by_id(self) -> list[UUID]:
        """Return the open requests with the searched beginning of an id, if the person may answer.

        Only the newest `MOST_TRIED` such requests are tested.
        """
        if not self._part:
            return []
        begun = HumanRequest.objects.open().filter(pk__range=self._range).order_by("-pk")
        tried = list(begun.values_list("pk", flat=True)[:MOST_TRIED])
        return list(
            answerable_requests(self.user).filter(pk__in=tried).values_list("pk", flat=True)
        )

    def _most_urgent(self) -> list[UUID]:
        return most_urgent(self.user, MOST_SEARCHED, with_snoozed=True)

    def runs(self) -> list[SearchResult]:
        """Return the matching runs that the person may see, newest first."""
        # Runs without a card must be found, too.
        card = FilteredRelation("messages", condition=Q(messages__kind=Message.Kind.RUN))
        found = Run.objects.filter(pk__in=self._runs).order_by("-pk").annotate(card=card)
        columns = Head.columns("card__session")
        rows = list(found.values_list("pk", "procedure__title", "created_at", *columns))
        heads = [Head(*head) for _pk, _title, _at, *head in rows if head[0]]
        sight = AccessCache(self.user, runs=self._runs)
        unnamed = (one for one in heads if not one.is_named)
        titles = titles_for(self.user, (), sight=sight, heads=unnamed)
        return _first(
            SearchResult(str(pk), titles.get(session, title), short_id(pk), at)
            for pk, title, at, session, *_ in rows
            if self._is_found(pk, title, titles.get(session, ""))
        )

    def sessions(self) -> list[SearchResult]:
        """Return the matching sessions that the person is a member of, newest first."""
        members = Member.objects.filter(user=self.user)
        if self._id:
            members = members.filter(session=self._id)
        rows = members.order_by("-session").values_list("session", "session__title")
        # Members may read their sessions' titles, whoever has written them.
        return _first(
            SearchResult(str(pk), title)
            for pk, title in rows[:MOST_SEARCHED]
            if self._is_found(pk, title)
        )

    def texts(self, kinds: Collection[str], *, before: int | None, most: int) -> FoundPage:
        """Return the newest texts of these kinds that match and that the person may see.

        `before` is `next` in the result for the previous page; None for the first page.
        """
        wanted = TextFilter(self.text, kinds)
        return search_texts(self.user, wanted, most=most, before=before)

    def first_texts(self) -> FoundPage:
        """Return the first texts that match, of all kinds, for a person who is still typing.

        The search reads fewer texts than `texts` does.
        """
        return search_texts(self.user, TextFilter(self.text), most=MOST_FOUND, is_glance=True)

    @cached_property
    def _id(self) -> UUID | None:
        """The searched text as an id, if it is a complete id.

        A search for an id finds old rows, too.
        """
        try:
            return UUID(self.text.strip())
        except ValueError:
            return None

    @cached_property
    def _part(self) -> str:
        """The searched text as the beginning or end of an id, without dashes; "" if it isn't one.

        Pages show the end of an id as "3f2a·f91".
        """
        text = re.sub("[-·]", "", self.text.strip().lower())
        return text if PART_OF_ID.fullmatch(text) and not self._id else ""

    @property
    def _range(self) -> tuple[UUID, UUID]:
        """The first and the last id that begin with the searched part of an id."""
        return UUID(self._part.ljust(32, "0")), UUID(self._part.ljust(32, "f"))

    def _is_found(self, key: UUID, *texts: str) -> bool:
        """Return True if a row matches by its id or its texts.

        A search for a complete id has read only the rows with this id.
        """
        return bool(self._id) or self._fits_id(key) or self.fits(str(key), *texts)

    def _fits_id(self, key: UUID) -> bool:
        part = self._part
        return bool(part) and (key.hex.startswith(part) or key.hex.endswith(part))

    @cached_property
    def _runs(self) -> list[UUID]:
        if self._id:
            return list(access.seen_among(self.user, [self._id]))
        found = RunList(self.user)
        if not self._part:
            return found.newest(MOST_SEARCHED)
        first, last = (key.int for key in self._range)
        after = UUID(int=min(last + 1, LARGEST_ID))
        begun = found.newest(MOST_FOUND, after=after, since=UUID(int=max(first - 1, 0)))
        newest = found.newest(MOST_ENDS)
        ended = [key for key in newest if key.hex.endswith(self._part)][:MOST_FOUND]
        return list(dict.fromkeys([*begun, *ended, *newest[:MOST_SEARCHED]]))


def _shown_time(
    opened_at: datetime, due_at: datetime | None, expires_at: datetime | None
) -> tuple[datetime, str]:
    """Return the time to show and its form: the request's deadline, or else when it was opened."""
    dues = [at for at in (due_at, expires_at) if at]
    return (min(dues), "due") if dues else (opened_at, "ago")


def _first(found: Iterable[SearchResult]) -> list[SearchResult]:
    return [one for _, one in zip(range(MOST_FOUND), found, strict=False)]
