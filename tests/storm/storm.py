"""A storm from its first change to its last, and what pages have kept of it."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User

from chat.models import HumanRequest, SessionEvent
from dashboard.models import ApiToken
from procedures.models import Event
from tests import machine
from tests.conftest import forget_connections
from tests.processes import Redis, Web, Worker, wait_until
from tests.sockets import session_of
from tests.storm.clients import PLANTED, Credential, Kept, Line, Tailless, Wish, Witness
from tests.storm.network import Network
from tests.storm.people import People

LONGEST = 3600
STUCK_AFTER = 30
"""Seconds after which pages that lag and read nothing more are given up."""
DEAF = machine.FOLDER / "deaf.sock"
COPIES = 2
"""Pages of each sort."""


@dataclass
class Outcome:
    """The results of a storm."""

    frames: int = 0
    """The numbered changes of all streams."""
    faults: dict[str, list[str]] = field(default_factory=dict)
    """The differences from the database or from a fresh page, by page."""
    caught_up: float = 0.0
    """Seconds from the last change but those at the end until all pages had caught up."""
    settled: float = 0.0
    """Seconds from the last change until all pages were equal."""
    counts: Counter[str] = field(default_factory=Counter)


class Storm:
    """A site, its people, its pages, and all that befalls them."""

    def __init__(
        self,
        frames: int,
        seed: int,
        *,
        redis: Redis,
        say: Callable[[str], None],
        copies: int = COPIES,
    ) -> None:
        self._chance = Random(seed)  # noqa: S311 (no secret)
        self._redis, self._copies, self._frames, self._say = redis, copies, frames, say
        self.web = Web(REDIS_URL=f"unix://{DEAF}")
        self.worker = Worker("runs", "--pool=prefork", "--concurrency=2")
        self.people = People(frames, self._chance)
        self._admin = User.objects.create_superuser("root")

    @contextmanager
    def begun(self) -> Iterator[Network]:
        """The network and the processes, until the end of the block."""
        with Network(self._chance, machine.FOLDER / "redis.sock", DEAF) as network:
            try:
                self.web.start()
                self.worker.start()
                yield network
            finally:
                self.worker.end()
                self.web.end()

    def run(self, plant: Sequence[str] = ()) -> Outcome:
        """Return the outcome, with the planted pages' faults among the others'."""
        with self.begun() as network:
            wait_until(lambda: HumanRequest.objects.count() >= 2, 60, what="both runs to ask")
            pages = [*self._honest(), *self._planted(plant)]
            self._say("all begins")
            network.open(pages, self.web.port)
            wait_until(lambda: all(page.connections for page in pages), what="all pages")
            with self.people.at_work():
                self._befall(network)
                wait_until(self._is_done, LONGEST, what="all changes", every=0.1)
            caught_up = self._catch_up(pages)
            for page, proxy in zip(pages, network.proxies, strict=True):
                proxy.drops_all = isinstance(page, Tailless)
            self._say("the last words")
            self.people.say_last_words()
            return self._compare(network, pages, Outcome(caught_up=caught_up))

    def _befall(self, network: Network) -> None:
        """Do harm at certain parts of the work."""
        harms: list[tuple[float, str, Callable[[], None]]] = [
            (0.15, "Redis is killed", self._restart_redis),
            (0.35, "the web server is killed", self._restart_web),
            (0.5, "no doorbell rings", lambda: setattr(network.deaf, "is_deaf", True)),
            (0.6, "doorbells ring again", lambda: setattr(network.deaf, "is_deaf", False)),
            (0.7, "Redis is killed", self._restart_redis),
            (0.75, "the web server is killed", self._restart_web),
        ]
        for part, words, harm in harms:
            wait_until(lambda: self._has_done(part), LONGEST, what=f"{part:.0%}", every=0.1)  # noqa: B023
            self._say(f"{part:.0%}: {words}")
            self.people.is_slow = True
            harm()
            self.people.is_slow = False

    def _has_done(self, part: float) -> bool:
        return sum(self.people.heads().values()) >= part * self._frames or self._is_done()

    def _is_done(self) -> bool:
        # Celery's worker ends when it loses Redis at a bad moment; a supervisor starts it again.
        self.worker.revive()
        return self.people.is_done()

    def _restart_redis(self) -> None:
        self._redis.kill()
        self._redis.start()
        forget_connections()

    def _restart_web(self) -> None:
        self.web.kill()
        self.web.start()

    def _wishes(self) -> dict[str, tuple[User, list[Wish]]]:
        """The streams that pages and programs follow, and their owners."""
        talk, first, second = (f"session:{session.pk}" for session in self.people.sessions)
        one, two = (f"run:{run.pk}" for run in self.people.runs)
        alice, bob = self.people.alice, self.people.bob
        return {
            "alice's program": (alice, [(talk, "data"), (first, "data"), (one, "data")]),
            "alice's chat": (
                alice,
                [(talk, "page"), (one, "card"), (two, "card"), ("inbox", "page")],
            ),
            "alice's run": (alice, [(two, "page"), ("inbox", "page"), ("runs", "page")]),
            "bob's program": (bob, [(first, "data"), (second, "data"), (two, "data")]),
            "bob's chat": (bob, [(second, "page"), (two, "card"), ("inbox", "page")]),
            "root's pages": (self._admin, [(talk, "page"), (first, "page"), (one, "page")]),
        }

    def _honest(self) -> list[Witness]:
        return [
            Witness(f"{name} {number}", credential_of(name, user), wishes)
            for number in range(1, self._copies + 1)
            for name, (user, wishes) in self._wishes().items()
        ]

    def _planted(self, plant: Sequence[str]) -> list[Witness]:
        program = "alice's program"
        user, wishes = self._wishes()[program]
        return [PLANTED[name](name, credential_of(program, user), wishes) for name in plant]

    def _catch_up(self, pages: Sequence[Witness]) -> float:
        """Wait until the pages have read what came while they could not."""
        began, judge = time.monotonic(), Judge(self.people)
        wait_for(pages, judge)
        return time.monotonic() - began

    def _compare(self, network: Network, pages: Sequence[Witness], outcome: Outcome) -> Outcome:
        """Wait until the pages are equal, without a further change."""
        began = time.monotonic()
        network.calm()
        judge = Judge(self.people)
        wait_for(pages, judge)
        outcome.frames, outcome.settled = sum(judge.heads.values()), time.monotonic() - began
        fresh = {
            name: Witness(name, credential_of(name, user), wishes)
            for name, (user, wishes) in self._wishes().items()
        }
        network.read_afresh(list(fresh.values()), self.web.port)
        wait_for(list(fresh.values()), judge)
        for name, page in fresh.items():
            outcome.faults[f"fresh: {name}"] = list(judge.faults_of(page, page))
        for page in pages:
            model = fresh["alice's program" if page.fault else page.name.rpartition(" ")[0]]
            outcome.faults[page.name] = list(judge.faults_of(page, model))
        outcome.counts = self._counts(network, pages)
        return outcome

    def _counts(self, network: Network, pages: Sequence[Witness]) -> Counter[str]:
        fates = sum((proxy.fates for proxy in network.proxies), Counter[str]())
        return Counter(
            {
                "pages": len(pages),
                "messages on their way": fates.total(),
                **{f"of these {fate}": count for fate, count in fates.items()},
                "connections": sum(page.connections for page in pages),
                "doorbells lost": network.deaf.lost,
            }
        )


class Judge:
    """Compares what pages have kept with the database, and with fresh pages."""

    def __init__(self, people: People) -> None:
        self.heads, self._answered_at = people.heads(), people.answered_at
        self._lines = {stream: lines_of(stream) for stream in self.heads}

    def lags(self, page: Witness) -> bool:
        """Return True if a page hasn't applied everything yet."""
        return self.lacks_a_ring(page) or any(
            one.cursor != self.heads[one.stream]
            for one in page.streams.values()
            if one.stream in self.heads
        )

    def lacks_a_ring(self, page: Witness) -> bool:
        """Return True if a page of bob, who is asked, was not told of the last answer."""
        is_asked = page.name.startswith(("bob", "fresh: bob")) and "inbox" in page.streams
        return is_asked and page.rung_at < self._answered_at

    def faults_of(self, page: Witness, fresh: Witness) -> Iterator[str]:
        """The differences of a page."""
        if self.lacks_a_ring(page):
            yield "inbox: the last answer did not ring"
        for one in page.streams.values():
            if one.stream not in self.heads:
                continue
            where, kept = f"{one.stream} {one.form}", page.kept[one.stream]
            numbers = [number for number, *_ in kept.lines]
            if one.denials:
                yield f"{where}: {one.denials[0]}"
            if one.cursor != self.heads[one.stream]:
                yield f"{where}: at {one.cursor} of {self.heads[one.stream]}"
            if one.is_numbered and numbers != list(range(1, self.heads[one.stream] + 1)):
                yield f"{where}: {first_fault(numbers, self.heads[one.stream])}"
            elif one.form == "data" and kept.lines != self._expected(one.stream, fresh):
                yield f"{where}: other kinds or objects"
            yield from unequal(where, kept, fresh.kept[one.stream])

    def _expected(self, stream: str, fresh: Witness) -> list[Line]:
        """The lines of the database, without those that a fresh page isn't shown."""
        seen = fresh.kept[stream].lines
        hidden = {number for number, kind, _ in seen if kind is None}
        return [(n, None, None) if n in hidden else (n, *rest) for n, *rest in self._lines[stream]]


def wait_for(pages: Sequence[Witness], judge: Judge) -> None:
    """Wait until the honest pages lag no more, or until those that lag are stuck.

    However long they take: a fresh page reads all frames of a long storm.
    """
    honest = [page for page in pages if not page.fault]
    places: list[int] = []
    moved = time.monotonic()

    def is_over() -> bool:
        nonlocal places, moved
        now = [one.cursor for page in honest for one in page.streams.values()]
        if now != places:
            places, moved = now, time.monotonic()
        return not any(map(judge.lags, honest)) or time.monotonic() - moved > STUCK_AFTER

    wait_until(is_over, LONGEST, what="the pages to catch up", every=0.05)


def first_fault(numbers: Sequence[int], head: int) -> str:
    """The first place where the numbers differ from the complete ones, in words."""
    for place, number in enumerate(numbers, 1):
        if number != place:
            return f"{number} came after {place - 1}, of {head}"
    return f"ends at {len(numbers)} of {head}"


def unequal(where: str, kept: Kept, fresh: Kept) -> Iterator[str]:
    if differing := sorted(
        name
        for name in kept.shown.keys() | fresh.shown.keys()
        if kept.shown.get(name) != fresh.shown.get(name)
    ):
        yield f"{where}: {len(differing)} elements differ from a fresh page's: {differing[0]}"


def lines_of(stream: str) -> list[Line]:
    kind, _, name = stream.partition(":")
    key = UUID(name)
    if kind == "run":
        return list(Event.objects.filter(run=key).order_by("seq").values_list("seq", "kind", "key"))
    changes = SessionEvent.objects.filter(session=key).order_by("seq")
    return list(changes.values_list("seq", "kind", "object"))


def credential_of(name: str, user: User) -> Credential:
    """The token of a program, or the cookie of a page."""
    if "program" in name:
        return {"Authorization": f"Bearer {ApiToken.create_for(user)}"}
    return {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session_of(user)}"}
