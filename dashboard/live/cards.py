"""The cards of requests in frames of the stream `inbox`, each rendered once for all its readers.

A card is the same for everybody who may answer its request. The page adds what differs between
readers: the CSRF token of the forms, and the name under which drafts are stored.

A frame contains the cards of some requests. Since the last frame, these requests have begun to wait
for the reader, have ceased to wait for the reader, or have changed: for example, somebody has
voted. The frame also lists the ids of all requests that now wait for the reader. By comparing the
ids with its cards, a page can tell whether it has missed a card. If it has, the page reads its list
again.

A page that may have missed a change of a card gets a frame without cards and without ids. Such a
page reads its list, too.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from django.template.loader import render_to_string

from chat.models import HumanRequest
from chat.services.waiting import ActivePeople, Waiting
from procedures.models.clock import clock
from procedures.viewers import Key, People, who_sees

CARDS = "cards"
"""The value of `form` with which pages that list cards follow the inbox."""
WAITING = "waiting"
"""The key in a frame for the ids of all requests that wait for the frame's reader."""
LONGEST_LIST = 5
"""The maximum number of requests that wait for a person whose frames contain cards.

Pages with longer lists get no cards.
"""
MOST_DRAWN = 60
"""The maximum number of cards that are rendered for the frames of one ring.

Pages read the cards beyond that number by themselves.
"""
LONGEST = 100_000
"""The maximum number of characters of all cards in a frame."""
TEMPLATE = "chat/_waiting.html"
OWN_ZONE = 'type="datetime-local"'
"""The HTML of a field whose value depends on the reader's time zone.

Cards that contain this HTML aren't in frames, because other people would see another value.
"""
Known = Mapping[Key, AbstractSet[UUID]]


def cards_for(
    waiting: Mapping[Key, Waiting],
    *,
    since: Known,
    altered: AbstractSet[UUID] = frozenset(),
    among: ActivePeople | None = None,
) -> dict[Key, dict[str, Any]]:
    """Return what each person's frame has in addition: `{"waiting": [ids], "cards": html}`.

    `waiting` maps people to the requests that wait for them now, and `since` maps people to the
    requests that waited for them when the last frame was made. `altered` are the requests that have
    changed since the last frame. `among` holds the people, with what has already been read about
    them. The number of queries depends neither on the number of people nor on the number of
    changes.
    """
    listed = {key: found.keys() for key, found in waiting.items() if len(found) <= LONGEST_LIST}
    changed = {key: now ^ since.get(key, now) for key, now in listed.items()}
    open_ones = {key: now & altered for key, now in listed.items()}
    cards = Cards(changed, open_ones, among or ActivePeople(waiting))
    return {key: cards.contents_for(key, now) for key, now in listed.items()}


class Cards:
    """The cards of changed requests, rendered for the people whose frames contain them."""

    def __init__(self, changed: Known, altered: Known, present: ActivePeople) -> None:
        wanted = set[UUID]().union(*changed.values(), *altered.values())
        found = HumanRequest.objects.filter(pk__in=sorted(wanted)[:MOST_DRAWN] if wanted else ())
        self._requests = {one.pk: one for one in found.with_what_is_shown()} if wanted else {}
        self.closed = {pk for pk, one in self._requests.items() if not one.is_open}
        """The requests that are closed. Some may still be in `waiting`, which was read before."""
        self._seen = self._who_sees_closed_ones(changed)
        self._superusers = {key for key in changed if wanted and present.known.get(key)}
        self._drawn: dict[tuple[UUID, str], str] = {}
        self._altered = altered
        self._changed = {key: ids | altered[key] for key, ids in changed.items()}

    def contents_for(self, key: Key, waiting: AbstractSet[UUID]) -> dict[str, Any]:
        """Return the ids of all requests that wait for a person, and the changed cards as HTML.

        If a request no longer waits for the person, the HTML has a receipt or a note in place of
        the card. If the HTML leaves out the new state of a card that the page shows, the result has
        no ids. The page then reads its list again.
        """
        drawn = {one: self._drawn_for(one, key, waiting) for one in sorted(self._changed[key])}
        html = "".join(drawn.values())
        html = html if len(html) <= LONGEST else ""
        is_complete = all(html and drawn[one] for one in self._altered[key])
        names = {WAITING: sorted(map(str, waiting - self.closed))} if is_complete else {}
        return {**names, CARDS: html}

    def _drawn_for(self, pk: UUID, key: Key, waiting: AbstractSet[UUID]) -> str:
        if self._may_be_bypass(pk, key, waiting):
            return ""
        return self._draw(pk, self._list_name_for(pk, key, waiting))

    def _may_be_bypass(self, pk: UUID, key: Key, waiting: AbstractSet[UUID]) -> bool:
        """Return True if frames leave the card out, because its reader may have to give a reason.

        A superuser who isn't asked must give a reason for answering. Cards in frames are the same
        for all readers, so they can't ask for a reason.
        """
        if key not in self._superusers or pk not in waiting:
            return False
        found = self._requests.get(pk)
        return found is not None and not found.is_unasked

    def _list_name_for(self, pk: UUID, key: Key, waiting: AbstractSet[UUID]) -> str:
        """Return the template's list that has the request: "waiting", "receipts" or "lost"."""
        if pk in waiting:
            return "waiting"
        return "receipts" if key in self._seen.get(pk, ()) else "lost"

    def _draw(self, pk: UUID, list_name: str) -> str:
        if (pk, list_name) not in self._drawn:
            self._drawn[pk, list_name] = self._rendered(pk, list_name)
        return self._drawn[pk, list_name]

    def _rendered(self, pk: UUID, list_name: str) -> str:
        found = self._requests.get(pk)
        if not found or (list_name == "waiting" and pk in self.closed):
            return ""
        shown = pk if list_name == "lost" else found
        given = {list_name: [shown], "answerable": {pk}, "now": self._now}
        html = render_to_string(TEMPLATE, given)
        return "" if OWN_ZONE in html else html

    @cached_property
    def _now(self) -> datetime:
        return clock.now()

    def _who_sees_closed_ones(self, changed: Known) -> dict[UUID, set[Key]]:
        """Return, for each closed request, the people in `changed` who may see the request."""
        runs = {pk: self._requests[pk].wait.run_id for pk in self.closed}
        wanted: dict[UUID, set[Key]] = {run: set() for run in runs.values()}
        for key, requests in changed.items():
            for pk in requests & runs.keys():
                wanted[runs[pk]].add(key)
        if not wanted:
            return {}
        seen = who_sees(People.read(changed.keys()), wanted)
        return {pk: seen.get(run, set()) for pk, run in runs.items()}
