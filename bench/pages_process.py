"""A process that holds hundreds of open pages, which read sockets and fetch parts when told to.

Some pages decode what they receive. For the others, the numbers in each message are counted without
decoding it, because otherwise the load would need more of the machine than the site.
"""

import heapq
import re
import select
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import count
from multiprocessing.connection import Connection
from time import time
from typing import Any

from bench.page_socket import PageSocket
from tests.live_client import Followed, Frame, LiveClient

NUMBER, HEAD = b'"seq":', b'"head":'
CARD = re.compile(r'id="request-([0-9a-f-]{36})" data-status="([a-z]+)"')
GATHER = {"/requests/waiting": 0.05, "/overview": 0.3}
"""Seconds for which a page gathers rings before it fetches, as its scripts do."""
RESTS = {"/overview": (1.0, 10, 1.5), "/requests/waiting": (0.0, 3, 0.3)}
"""The rest after a fetch: at least, times the fetch's own length, at most; in seconds."""
AT_ONCE = 10
FETCHERS = 8
WAIT = 0.05


@dataclass(frozen=True)
class PagePlan:
    """A page to be opened: whose it is, and what it follows."""

    cookie: str
    follows: Sequence[tuple[str, str, int]]
    path: str = "/live"
    has_gaps: bool = False
    """True if lost messages are lost, and nobody asks for them."""
    marks: Mapping[str, str] = field(default_factory=dict)
    """The marks of bells that the page is drawn with."""


class Page(LiveClient):
    """An open page."""

    def __init__(self, plan: PagePlan, port: int) -> None:
        super().__init__()
        self.plan = plan
        self.socket = PageSocket(port, plan.path, plan.cookie)
        self.begin(decodes=True)

    def begin(self, *, decodes: bool) -> None:
        """Forget what was measured until now."""
        self.decodes = decodes
        self.seen, self.moved_at, self.socket.bytes = 0, 0.0, 0
        self.arrivals: dict[int, float] = {}
        self.known: list[tuple[str, str, float]] = []
        self.badges: list[tuple[int, float]] = []
        self.fetches = 0
        self.due: set[str] = set()
        self.rests_until: dict[str, float] = {}
        self.reading: set[str] = set()

    def follow_all(self) -> None:
        for stream, form, after in self.plan.follows:
            message = self.follow(stream, form, after, self.plan.marks.get(stream, ""))
            if not self.plan.has_gaps:
                self.socket.say_text(message)

    @property
    def main(self) -> Followed:
        return next(iter(self.streams.values()))

    def read(self) -> None:
        for message in self.socket.messages():
            if self.decodes:
                for text in self.take(message):
                    self.socket.say_text(text)
            else:
                self._count(message)

    def misses(self, followed: Followed, frame: Frame) -> bool:
        return not self.plan.has_gaps and super().misses(followed, frame)

    def apply(self, followed: Followed, frame: Frame) -> None:
        if not followed.is_numbered:
            self._hear(followed.stream, frame)
        elif frame["seq"] > followed.cursor:
            self.seen += 1
            self.moved_at = self.arrivals[frame["seq"]] = time()

    def _count(self, message: bytes) -> None:
        """Count the numbers in a message, and ask for those missing before the last one."""
        main, found = self.main, message.count(NUMBER)
        if HEAD in message:
            found, last = 0, number_after(HEAD, message)
        elif not found:
            return
        else:
            last = number_after(NUMBER, message)
        if self.plan.has_gaps:
            self.seen += found
            self.moved_at = time()
        elif last > main.cursor + found:
            self.socket.say_text(self._message("range", main))
        elif last > main.cursor:
            self.seen += last - main.cursor
            main.cursor, self.moved_at = last, time()

    def _hear(self, stream: str, frame: Frame) -> None:
        """Record the number and the cards in a frame, and what a home page fetches after it."""
        now = time()
        if "requests" in frame:
            self.badges.append((frame["requests"], now))
        if "runs" not in self.streams:  # of the pages that are measured, the home page alone
            return
        if stream == "runs":
            self.due |= set() if "overview" in frame else {"/overview"}
        else:
            self.known += [(*card, now) for card in CARD.findall(frame.get("cards", ""))]
            if frame.get("waiting") != sorted(self.shown):
                self.due.add("/requests/waiting")

    @property
    def shown(self) -> set[str]:
        """The requests whose cards are shown as open."""
        newest = {card: status for card, status, _ in self.known}
        return {card for card, status in newest.items() if status == "open"}

    def fetch(self, path: str) -> None:
        """Fetch a part of the page, and note the cards that are in it."""
        self.fetches += 1
        began = time()
        shown = "&".join(f"shown={card}" for card in sorted(self.shown)[-20:])
        address = f"{path}?{shown}" if path == "/requests/waiting" and shown else path
        text = fetched(self.socket.port, address, self.plan.cookie)
        now = time()
        least, times, most = RESTS.get(path, (0.0, 0, 0.0))
        self.rests_until[path] = now + min(most, max(least, times * (now - began)))
        self.known += [(card, status, now) for card, status in CARD.findall(text)]
        self.reading.discard(path)


def number_after(name: bytes, message: bytes) -> int:
    """Return the last number of that name, without decoding the message."""
    begin = message.rfind(name) + len(name)
    end = begin + 1
    while message[end : end + 1].isdigit():
        end += 1
    return int(message[begin:end])


threads = threading.local()


def fetched(port: int, address: str, cookie: str) -> str:
    headers = {"Cookie": cookie, "HX-Request": "true"}
    for is_last in (False, True):
        line: HTTPConnection = getattr(threads, str(port), None) or HTTPConnection(
            "127.0.0.1", port, timeout=60
        )
        setattr(threads, str(port), line)
        try:
            line.request("GET", address, headers=headers)
            return line.getresponse().read().decode()
        except OSError:  # the server has closed a connection that was at rest
            line.close()
            if is_last:
                raise
    return ""


class Pages:
    """All pages of this process, and the commands that its parent gives them."""

    def __init__(self, pipe: Connection) -> None:
        self.pipe = pipe
        self.pages: list[Page] = []
        self.by_number: dict[int, Page] = {}
        self.poll = select.epoll()
        self.poll.register(pipe.fileno(), select.EPOLLIN)
        self.timers: list[tuple[float, int, Page, str]] = []
        self.order = count()
        self.fetchers = ThreadPoolExecutor(FETCHERS)

    def serve(self) -> None:
        while True:
            for number, _ in self.poll.poll(WAIT):
                if number == self.pipe.fileno():
                    try:
                        verb, *given = self.pipe.recv()
                    except EOFError:
                        return
                    self.pipe.send(getattr(self, verb)(*given))
                elif page := self.by_number.get(number):
                    self._read(number, page)
            while self.timers and self.timers[0][0] <= time():
                _, _, page, path = heapq.heappop(self.timers)
                if path in page.reading or time() < page.rests_until.get(path, 0):
                    self._set_timer(page, path, least=WAIT)
                    continue
                page.due.discard(path)
                page.reading.add(path)
                self.fetchers.submit(page.fetch, path)

    def _read(self, number: int, page: Page) -> None:
        before = set(page.due)
        page.read()
        for path in page.due - before:
            self._set_timer(page, path, least=GATHER[path])
        if not page.socket.is_open:
            del self.by_number[number]

    def _set_timer(self, page: "Page", path: str, *, least: float) -> None:
        due = max(time() + least, page.rests_until.get(path, 0))
        heapq.heappush(self.timers, (due, next(self.order), page, path))

    def open(self, port: int, plans: Sequence[PagePlan]) -> int:
        for begin in range(0, len(plans), AT_ONCE):
            new = [Page(plan, port) for plan in plans[begin : begin + AT_ONCE]]
            for page in new:
                page.socket.accept()
                page.follow_all()
                self.pages.append(page)
                self.by_number[page.socket.fileno()] = page
                self.poll.register(page.socket.fileno(), select.EPOLLIN)
        return len(self.pages)

    def close(self) -> int:
        for page in self.pages:
            page.socket.close()
        self.pages, self.by_number, self.timers = [], {}, []
        return 0

    def begin(self, share: float) -> int:
        """Measure from now on, with that share of the pages decoding, and at least one page."""
        decoding = max(round(len(self.pages) * share), 1)
        for number, page in enumerate(self.pages):
            page.begin(decodes=number < decoding)
        return decoding

    def reached(self, number: int) -> int:
        """Return how many pages have applied the changes of their main stream up to a number."""
        return sum(page.main.cursor >= number for page in self.pages)

    def knowing(self) -> list[tuple[list[tuple[str, str, float]], list[tuple[int, float]]]]:
        """Return each page's cards and badges, with the time of each."""
        return [(page.known, page.badges) for page in self.pages]

    def fetched(self) -> list[int]:
        return [page.fetches for page in self.pages]

    def report(self) -> dict[str, list[Any]]:
        return {
            "seen": [page.seen for page in self.pages],
            "moved_at": [page.moved_at for page in self.pages],
            "bytes": [page.socket.bytes for page in self.pages],
            "arrivals": [page.arrivals for page in self.pages if page.decodes],
        }


def run(pipe: Connection) -> None:
    """Serve a parent until it closes the pipe."""
    Pages(pipe).serve()
