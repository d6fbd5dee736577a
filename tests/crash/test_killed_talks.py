"""A conversation over two web processes, whose workers are killed and whose pages are cut off."""

import asyncio
import re
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random, randrange
from typing import Any, Literal

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils.html import strip_tags

from chat.models import Session
from chat.models.session import session_of
from procedures.engine.journal.events import RunStatus
from procedures.models import Run
from tests.conftest import StartClock, StartWeb, StartWorker, forget_connections
from tests.crash.talks import DEADLY, SPARED
from tests.crash.weather import pass_time
from tests.desk import Desk
from tests.processes import Redis, Web, Worker, wait_until
from tests.runs import client_of, result_of, start, status_of
from tests.storm.clients import Witness
from tests.storm.storm import credential_of, unequal

TURNS = 20
RESTART_OF_REDIS = 11
"""The turn in which Redis is restarted."""
LONGEST = 0.25
"""Seconds of a turn in which a worker may be killed."""
Kill = Literal["never", "at commits", "at random"]
VARYING = re.compile(r"\d{4}-\d\d-\d\d|\d\d?:\d\d(:\d\d)?|[0-9a-f-]{36}")
"""Times and ids in a text of a page."""


class MovedPage:
    """A page whose connection is cut, and that connects to another process after each cut."""

    def __init__(self, page: Witness) -> None:
        self.page = page
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._life: asyncio.Task[None] | None = None

    @contextmanager
    def open(self, web: Web) -> Iterator[None]:
        self._thread.start()
        try:
            self.move(web)
            yield
        finally:
            self._do(self._end())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def move(self, web: Web) -> None:
        self._do(self._begin(web))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=60)

    async def _begin(self, web: Web) -> None:
        await self._end()
        self._life = asyncio.create_task(self.page.live(web.port, Random()))  # noqa: S311

    async def _end(self) -> None:
        if self._life:
            self._life.cancel()
            await asyncio.gather(self._life, return_exceptions=True)


@dataclass
class Outcome:
    """The results of a conversation, without parts that differ between any two."""

    result: str
    transcript: list[dict[str, Any]]
    effects: dict[str, str]
    """The orders, by idempotency key."""
    shown: list[str]
    """The texts of the page, in the order of the transcript."""


@dataclass
class Talk:
    """A site at which somebody talks to a run, and what befalls it."""

    kill: Kill
    alice: User
    webs: Sequence[Web]
    worker: Worker
    clock: Worker
    redis: Redis
    desk: Desk
    chance: Random = field(default_factory=Random)
    kills: int = 0
    moves: int = 0
    faults: list[str] = field(default_factory=list)
    """The differences of pages from a fresh one, and of effects from the journal."""

    def hold(self) -> Outcome:
        self.run = start("ordering", folder=self.desk.folder, by=self.alice)
        self.session = session_of(self.run)
        page, program, fresh = self.witnesses()
        moved = [MovedPage(page), MovedPage(program)]
        with moved[0].open(self.webs[0]), moved[1].open(self.webs[1]):
            for turn in range(TURNS):
                self.wait_for_text(turn)
                self.take_turn(turn, moved)
            self.wait_for_text(TURNS)
            self.say("done", self.webs[0])
            self.wait(lambda: RunStatus(status_of(self.run)).is_end, what="the end")
            with MovedPage(fresh).open(self.webs[0]):
                for one in (page, program, fresh):
                    wait_until(lambda: self.has_caught_up(one), what=f"the {one.name}")  # noqa: B023
        self.faults += self.faults_of(page, program, fresh)
        return self.outcome(page)

    def witnesses(self) -> Iterator[Witness]:
        """A page and a program that follow the session, and a page that comes late."""
        chat, card = f"session:{self.session}", f"run:{self.run.pk}"
        for name in ("page", "program", "fresh page"):
            forms = [(chat, "data")] if name == "program" else [(chat, "page"), (card, "card")]
            yield Witness(name, credential_of(name, self.alice), forms)

    def take_turn(self, turn: int, moved: list[MovedPage]) -> None:
        """Say something, and on some turns more, before the first of it is ordered."""
        web, other = self.webs[turn % 2], self.webs[1 - turn % 2]
        self.spare(turn % 2 == 1)
        with self.desk.closed(f"{turn} chairs"):
            self.say(f"{turn} chairs", web)
            if turn % 4 == 0:
                self.say(f"and {turn} tables", other)
        if self.kill != "never":
            self.disturb(turn, other, moved)

    def spare(self, is_spared: bool) -> None:  # noqa: FBT001
        """On every second turn nobody dies at commits: a death takes seconds to be noticed."""
        spared = Path(self.desk.folder, SPARED)
        spared.touch() if is_spared else spared.unlink(missing_ok=True)

    def disturb(self, turn: int, web: Web, moved: list[MovedPage]) -> None:
        if turn % 2:
            self.moves += 1
            for page in moved:
                page.move(web)
        if self.kill == "at random":
            self.strike(turn)
        if turn == RESTART_OF_REDIS:
            self.redis.kill()
            self.redis.start()
            forget_connections()

    def strike(self, turn: int) -> None:
        """Kill the worker, or the processes in which it works, at some moment of the turn."""
        pass_time(self.chance.uniform(0, LONGEST))
        self.kills += 1
        if turn % 2:
            self.worker.kill_slots()
        else:
            self.worker.kill()
            self.worker.start()

    def say(self, text: str, web: Web) -> None:
        """Send it as a program that got no answer and sends it again, to another process."""
        body = {"text": text, "reply_to": str(self.run.pk), "client_key": text}
        for one, status in zip((web, *self.webs), (201, 200, 200), strict=True):
            with client_of(self.alice, one) as client:
                sent = client.post(f"/sessions/{self.session}/messages", json=body)
            assert (sent.status_code, sent.json().get("unheard")) == (status, "")

    def wait_for_text(self, turn: int) -> None:
        """Wait until the run asks for what comes in that turn, and has read all before."""
        texts = self.run.events.filter(kind="wait.opened")
        self.wait(
            lambda: status_of(self.run) == RunStatus.WAITING and texts.count() == turn + 1,
            what=f"the text of turn {turn}",
        )

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for it, and start again meanwhile what has ended when Redis went away."""

        def holds() -> bool:
            self.worker.revive()
            self.clock.revive()
            return condition()

        wait_until(holds, timeout=60, what=what, every=0.05)

    def has_caught_up(self, page: Witness) -> bool:
        heads = {
            f"session:{self.session}": Session.objects.get(pk=self.session).last_seq,
            f"run:{self.run.pk}": Run.objects.get(pk=self.run.pk).head_seq,
        }
        return all(one.cursor == heads[one.stream] for one in page.streams.values())

    def faults_of(self, page: Witness, program: Witness, fresh: Witness) -> Iterator[str]:
        for stream in page.streams:
            yield from unequal(stream, page.kept[stream], fresh.kept[stream])
        for one in (page, program, fresh):
            numbers = [line[0] for line in one.kept[f"session:{self.session}"].lines]
            if numbers != list(range(1, len(numbers) + 1)):
                yield f"{one.name}: {numbers}"
        kept = {
            f"{event.run_id}:{event.key}": event.content["result"]
            for event in self.run.events.filter(kind="step.succeeded")
        }
        # The last attempt is the one that was kept: no step was begun again after its commit.
        if kept != {one.key: one.mark for one in self.desk.lines}:
            yield f"effects: {self.desk.lines}, kept: {kept}"

    def outcome(self, page: Witness) -> Outcome:
        with client_of(self.alice, self.webs[1]) as client:
            path = f"/sessions/{self.session}/messages?after=0&limit=100"
            entries = client.get(path).json()["items"]
        shown = page.kept[f"session:{self.session}"].shown
        return Outcome(
            result_of(self.run),
            [told(entry) for entry in entries],
            {one.key.partition(":")[2]: one.name for one in self.desk.lines},
            [words_of(shown[f"message-{one['id']}"]) for one in entries],
        )


def told(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry of the transcript without ids and times."""
    varying = {"id", "seq", "run_id", "reply_to_id", "request_id", "at", "read_at"}
    return {name: value for name, value in entry.items() if name not in varying}


def words_of(html: str) -> str:
    return VARYING.sub("…", " ".join(strip_tags(html).split()))


@pytest.fixture
def begin(
    worker: StartWorker,
    clock: StartClock,
    web: StartWeb,
    redis_server: Redis,
    tmp_path: Path,
    alice: User,
) -> Callable[[Kill], Talk]:
    """Begin a talk on a site of its own."""
    webs, sweeper = [web(), web()], clock()

    def begin_talk(kill: Kill) -> Talk:
        folder = tmp_path / kill
        folder.mkdir()
        variables = {"PROCEDURE_MODULES": "tests.crash.talks"}
        if kill == "at commits":
            variables |= {DEADLY: str(folder), "RUN_LEASE_SECONDS": "1"}
        own = worker(concurrency=3, **variables)
        return Talk(kill, alice, webs, own, sweeper, redis_server, Desk(folder))

    return begin_talk


@pytest.mark.soak
@pytest.mark.parametrize("kill", ["at commits", "at random"])
def test_a_conversation_with_killed_workers_and_moved_pages_equals_an_undisturbed_one(
    kill: Kill, begin: Callable[[Kill], Talk], tell: Callable[[str], None]
) -> None:
    calm = begin("never")
    undisturbed = calm.hold()
    calm.worker.end()
    seed = randrange(10**6)  # noqa: S311 (no secret)
    talk = begin(kill)
    talk.chance.seed(seed)

    disturbed = talk.hold()

    deaths = len([*Path(talk.desk.folder).glob("died *")])
    repeated = len(talk.desk.lines) - len(talk.desk.keys)
    tell(f"A talk on {connection.vendor}, seed {seed}: killed {kill}, {talk.kills + deaths} times,")
    tell(f"  {repeated} steps repeated, {talk.moves} moves, {talk.run.events.count()} events")
    assert calm.faults == talk.faults == []
    assert disturbed == undisturbed
    assert len(undisturbed.effects) == TURNS + TURNS // 4
    assert {one["delivery"] for one in disturbed.transcript if one["kind"] == "person"} == {"read"}
    assert talk.moves == TURNS // 2
    assert deaths > TURNS if kill == "at commits" else talk.kills == TURNS
