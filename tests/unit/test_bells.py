"""Bells ring at the right moments, and tell the followers that a change concerns."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from django.contrib.auth.models import User

from dashboard.live.bells import Bells, InboxBell
from dashboard.live.concerned import RequestUpdates
from dashboard.live.streams import INBOX, Stream

PATIENCE = 30
OLD, PRESENT = "a mark before the last change", "a mark after it"
ALICE, BOB = User(pk=1, username="alice"), User(pk=2, username="bob")


class Listener:
    """An open page."""

    def __init__(self, user: User) -> None:
        self.user: User | None = user
        self.heard = list[dict[str, Any]]()
        self.has_heard = asyncio.Event()

    def hand(self, _: Stream, text: str) -> None:
        self.heard.append(json.loads(text))
        self.has_heard.set()

    async def hears(self) -> dict[str, Any]:
        await asyncio.wait_for(self.has_heard.wait(), PATIENCE)
        self.has_heard.clear()
        return self.heard[-1]


class Database:
    """The rows that the bells find in the database."""

    def __init__(self) -> None:
        self.concerned, self.requests, self.is_away = set[int](), 0, False
        self.asked = 0
        self.has_failed = asyncio.Event()

    async def ask(
        self,
        _function: Callable[..., Any],
        also: Any,
        among: Any,
        *,
        marked: Any,
        is_check: bool,
        readers: Any,
    ) -> Any:
        self.asked += 1
        if self.is_away:
            self.has_failed.set()
            raise OSError("The database is away.")
        concerned, self.concerned = self.concerned & set(among), set()
        told = concerned | set(also) | {key for key, _ in marked}
        frames = {key: {"seq": 0, "requests": self.requests} for key in told}
        cards = {key: {"waiting": [], "cards": f"{self.asked}."} for key in told & readers}
        return RequestUpdates(concerned, frames, {one for one in marked if one[1] == OLD}, cards)


Story = Callable[[Bells, Database], Awaitable[None]]


def told(story: Story) -> None:
    async def tell() -> None:
        database = Database()
        bells = Bells(database.ask)
        try:
            await story(bells, database)
        finally:
            await bells.close()

    asyncio.run(tell())


def test_who_begins_is_told_and_of_the_others_only_those_concerned() -> None:
    async def story(bells: Bells, database: Database) -> None:
        alice, bob = Listener(ALICE), Listener(BOB)
        for listener in (alice, bob):
            bells.follow(listener, INBOX)
            await listener.hears()

        database.concerned, database.requests = {2}, 1
        bells.hear({"inbox"})

        assert (await bob.hears())["frames"][0]["requests"] == 1
        assert len(alice.heard) == 1

    told(story)


def test_a_page_gets_cards_only_if_it_follows_in_that_form() -> None:
    async def story(bells: Bells, database: Database) -> None:
        home, other = Listener(BOB), Listener(BOB)
        bells.follow(home, INBOX, PRESENT, form="cards")
        bells.follow(other, INBOX, PRESENT)
        database.concerned = {2}
        bells.hear({"inbox"})

        frames = (await home.hears())["frames"] + (await other.hears())["frames"]

        assert [set(frame) - {"seq", "requests"} for frame in frames] == [
            {"waiting", "cards"},
            set(),
        ]

    told(story)


def test_a_page_that_has_missed_something_gets_no_cards_so_that_it_reads_its_list() -> None:
    async def story(bells: Bells, database: Database) -> None:
        pages = [Listener(BOB), Listener(BOB)]
        for page, mark in zip(pages, ["", OLD], strict=True):
            bells.follow(page, INBOX, mark, form="cards")

        frames = [(await page.hears())["frames"][0] for page in pages]

        assert frames == [{"seq": 0, "requests": 0}] * 2

    told(story)


def test_frames_that_are_sent_as_one_bring_the_cards_of_both_in_order() -> None:
    async def story(bells: Bells, database: Database) -> None:
        earlier, later = ({"seq": 0, "waiting": [n], "cards": f"{n}."} for n in (1, 2))
        joined = InboxBell(database.ask)

        assert joined.joined(earlier, later) == {"seq": 0, "waiting": [2], "cards": "1.2."}
        assert joined.joined(earlier, {"seq": 0}) == {"seq": 0, "cards": "1."}
        assert joined.joined({"seq": 0}, later) == {"seq": 0, "cards": "2."}
        await joined.close()

    told(story)


def test_a_change_that_the_database_could_not_tell_of_is_told_later() -> None:
    async def story(bells: Bells, database: Database) -> None:
        bob = Listener(BOB)
        database.is_away = True
        bells.follow(bob, INBOX)
        await asyncio.wait_for(database.has_failed.wait(), PATIENCE)
        assert bob.heard == []

        database.is_away = False

        assert (await bob.hears())["frames"][0]["requests"] == 0

    told(story)


def test_who_has_left_is_told_nothing_more() -> None:
    async def story(bells: Bells, database: Database) -> None:
        alice, bob = Listener(ALICE), Listener(BOB)
        for listener in (alice, bob):
            bells.follow(listener, INBOX)
            await listener.hears()

        bells.leave(bob, INBOX)
        database.concerned = {1, 2}
        bells.hear({"inbox"})

        await alice.hears()
        assert len(bob.heard) == 1

    told(story)


def test_nothing_is_read_while_nobody_follows() -> None:
    async def story(bells: Bells, database: Database) -> None:
        bells.hear({"inbox", "run:01a22672-ec51-70b6-aef5-04d14fd4a316"})
        bob = Listener(BOB)
        bells.follow(bob, INBOX)
        await bob.hears()

        assert database.asked == 1

    told(story)


def test_each_page_of_a_person_is_told() -> None:
    async def story(bells: Bells, database: Database) -> None:
        pages = [Listener(BOB), Listener(BOB)]
        for page in pages:
            bells.follow(page, INBOX)
            await page.hears()

        database.concerned = {2}
        bells.hear({"inbox"})

        for page in pages:
            assert (await page.hears())["stream"] == "inbox"

    told(story)


def test_who_begins_with_a_mark_is_told_only_of_what_came_after_it() -> None:
    async def story(bells: Bells, database: Database) -> None:
        current, behind = Listener(BOB), Listener(BOB)
        bells.follow(current, INBOX, PRESENT)
        bells.follow(behind, INBOX, OLD)

        await behind.hears()
        assert current.heard == []

        bells.greet(current, INBOX)
        await current.hears()

    told(story)


def test_who_missed_something_while_the_database_was_away_is_told_whatever_the_mark() -> None:
    async def story(bells: Bells, database: Database) -> None:
        bob = Listener(BOB)
        database.is_away = True
        bells.follow(bob, INBOX, PRESENT)
        await asyncio.wait_for(database.has_failed.wait(), PATIENCE)
        bells.greet(bob, INBOX)
        database.is_away = False

        await bob.hears()

    told(story)
