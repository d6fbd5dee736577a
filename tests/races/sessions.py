"""People who change a session at once, or write in it while they are removed from it."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

from django.contrib.auth.models import Group, User
from django.db import connection

from chat.models import FeedEntry, Message, Session
from chat.models.feed import HIDDEN
from chat.parts import find_part
from chat.services import (
    LastMemberError,
    NotMemberError,
    RemovalDeniedError,
    invite,
    open_session,
    post_message,
    remove_member,
    rename_session,
    set_private,
    start_in_session,
)
from procedures.services.ledger import examine, examine_site
from tests.calls import grant

PATIENCE = 60
REFUSED = (NotMemberError, RemovalDeniedError, LastMemberError)
Acts = list[Callable[[], Any]]


class SessionRaces:
    """Rounds in which two or three people do something to one session at the same time."""

    def __init__(self) -> None:
        starters, _ = Group.objects.get_or_create(name="support")
        grant("question", starters, "start")
        names = ("alice", "bob", "carol")
        self.people = [User.objects.get_or_create(username=name)[0] for name in names]
        for person in self.people:
            person.groups.add(starters)
        self.faults: dict[str, list[str]] = {}
        self.done, self.refused = Counter[str](), Counter[str]()

    def told(self) -> dict[str, Any]:
        return {"broken": len(self.faults), "done": dict(self.done), "refused": dict(self.refused)}

    def run(self, seeds: Iterable[int]) -> None:
        scenes = (
            *("removed x writes", "removed x starts", "removed x invites", "invited x invited"),
            *("private x writes x public", "both leave", "renamed x renamed", "opened x opened"),
        )
        with ThreadPoolExecutor(3) as threads:
            for seed in seeds:
                for scene in scenes:
                    if words := [*self._round(scene, seed, threads)]:
                        self.faults[f"{scene} {seed}"] = words
        if words := [*map(str, examine_site())]:
            self.faults["verification"] = words

    def _round(self, scene: str, seed: int, threads: Executor) -> Iterator[str]:
        alice, bob, _carol = self.people
        session, _ = open_session("Plans", by=alice, members=["bob"], is_private=bool(seed % 2))
        acts = self._acts(scene, session, f"{scene} {session.pk}")
        barrier = Barrier(len(acts))
        going = [threads.submit(_act, act, barrier) for act in acts]
        errors = [one.exception(PATIENCE) for one in going]
        yield from (f"{error!r}" for error in errors if error and not isinstance(error, REFUSED))
        count = sum(error is not None for error in errors)
        self.refused[scene] += count
        self.done[scene] += len(acts) - count
        yield from _broken(session)
        if scene == "both leave" and (count, session.members.count()) != (1, 1):
            yield "the last member left without knowing"
        if Session.objects.filter(title=f"{scene} {session.pk}").count() > 1:
            yield "one key has opened two sessions"
        started = session.messages.cards().exists() and not session.is_private
        if scene.startswith("removed") and not started and find_part(bob, session.pk):
            yield "somebody who was removed can read"

    def _acts(self, scene: str, session: Session, key: str) -> Acts:
        alice, bob, carol = self.people
        here = session.pk
        ids = dict(session.members.values_list("user", "pk"))
        removed = partial(remove_member, here, ids[bob.pk], by=alice)
        start = partial(start_in_session, session, "question", {}, by=bob)
        scenes: dict[str, Acts] = {
            "removed x writes": [removed, removed, partial(post_message, session, "Hi", by=bob)],
            "removed x starts": [removed, start],
            "removed x invites": [removed, partial(invite, here, carol, by=bob)],
            "invited x invited": [partial(invite, here, carol, by=one) for one in (alice, bob)],
            "private x writes x public": [
                partial(set_private, here, is_private=True, by=alice),
                partial(post_message, session, "Hi", by=bob),
                partial(set_private, here, is_private=False, by=bob),
            ],
            "both leave": [
                partial(remove_member, here, ids[one.pk], by=one) for one in (alice, bob)
            ],
            "renamed x renamed": [
                partial(rename_session, here, f"By {one}", by=one) for one in (alice, bob)
            ],
            "opened x opened": [partial(open_session, key, by=alice, client_key=key)] * 2,
        }
        return scenes[scene]


def _broken(session: Session) -> Iterator[str]:
    """Yield what doesn't hold of a session after a round."""
    session.refresh_from_db()
    numbered = session.messages.order_by("seq").values_list("seq", flat=True)
    if [*numbered] != [*range(1, session.said + 1)]:
        yield "the numbers of messages have gaps"
    written = session.events.order_by("seq").values_list("seq", flat=True)
    if [*written] != [*range(1, session.last_seq + 1)]:
        yield "the numbers of changes have gaps"
    yield from _wrong_members(session)
    yield from _wrong_feed(session)
    for card in session.messages.cards().select_related("run")[:1]:
        assert card.run
        yield from examine(card.run).faults


def _wrong_members(session: Session) -> Iterator[str]:
    told, gone = session.messages.order_by("seq"), set[Any]()
    for kind, author, person in told.values_list("kind", "author", "person"):
        if author in gone:
            yield f"{kind} by somebody who was gone"
        if kind == Message.Kind.INVITED:
            gone.discard(person)
        if kind in {Message.Kind.REMOVED, Message.Kind.LEFT}:
            if person in gone:
                yield f"{kind} twice"
            gone.add(person or author)
    if gone & {*session.members.values_list("user", flat=True)}:
        yield "somebody who was gone is a member"


def _wrong_feed(session: Session) -> Iterator[str]:
    here = session.members.values_list("user", flat=True)
    names = {*FeedEntry.objects.filter(session=session).values_list("audience", flat=True)}
    mine = {name for name in names if name.startswith("member:")}
    if mine != {f"member:{key}" for key in here}:
        yield f"the feed has {mine} for the members {[*here]}"
    if any(name.startswith(HIDDEN) != session.is_private for name in names - mine):
        yield f"the feed has {names} of a session with is_private={session.is_private}"


def _act(act: Any, barrier: Barrier) -> None:
    try:
        barrier.wait(PATIENCE)
        act()
    finally:
        connection.close()
