"""The rows of `bench.live`: each is a function of the benchmark's site and a number of pages."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from statistics import mean
from typing import Any

from bench.live_clients import Clients, soon
from bench.live_site import Change, Desk, LiveSite, answer
from bench.page_socket import PageSocket
from bench.pages_process import PagePlan
from bench.processors import Usage, measured
from bench.site import tell
from bench.waiting import memory_of

DECODED = 0.05
RATE = 10
"""Messages or changes a second."""
BURST = 300
ANSWERS = 10
SETTLE = 4.0
"""Seconds after the last page was opened."""
GRACE = 1.0
WARM_UP = 20
BARE = "session:bare"
PATIENCE = 60.0
KNOWN_WITHIN = 15.0
NEVER = float("inf")
Posted = list[tuple[int, float]]
"""The number of each change, and the time of its commit."""


@dataclass
class Bench:
    """The site, its pages and its servers."""

    site: LiveSite
    clients: Clients
    web: Any
    bare: Any
    new_servers: Callable[[], tuple[Any, Any]]
    seconds: int
    settle: int

    def usage(self, web: Any) -> Any:
        return measured({"web": web.pid, **self.clients.pids})

    @contextmanager
    def pages(self, web: Any, plans: Sequence[PagePlan], share: float = 1.0) -> Iterator[None]:
        """Open pages, a share of which decode the messages they receive."""
        self.clients.open(web.port, plans)
        time.sleep(SETTLE)
        self.clients.ask("begin", share)
        yield
        self.clients.ask("close")


def idle(bench: Bench, pages: int) -> None:
    with bench.pages(bench.web, bench.site.chat_pages(pages)), bench.usage(bench.web) as usage:
        time.sleep(bench.seconds)
    tell(row="idle", pages=pages, **usage.figures)


def messages(bench: Bench, pages: int) -> None:
    """Send ten messages a second, then as many of the same size through the bare consumer."""
    with bench.pages(bench.web, bench.site.chat_pages(pages), DECODED):
        with bench.usage(bench.web) as usage:
            posted = paced(bench.site.post, bench.seconds)
            time.sleep(GRACE)
        found = bench.clients.report()
    told(bench, "messages", pages, posted, found, usage)
    size = round(sum(found["bytes"]) / max(sum(found["seen"]), 1))
    with bench.pages(bench.bare, bare_pages(pages), DECODED):
        publish = publisher(bench.bare, size)
        with bench.usage(bench.bare) as usage:
            posted = paced(publish, bench.seconds)
            time.sleep(GRACE)
        found = bench.clients.report()
    told(bench, "messages, bare", pages, posted, found, usage)


def told(
    bench: Bench, row: str, pages: int, posted: Posted, found: dict[str, Any], usage: Usage
) -> None:
    delays = [arrived.get(seq, NEVER) - at for arrived in found["arrivals"] for seq, at in posted]
    tell(
        row=row,
        pages=pages,
        sent=len(posted),
        rate=round(len(posted) / bench.seconds, 1),
        delivered=sum(found["seen"]) / (pages * len(posted)),
        p50_ms=milliseconds(delays, 0.5),
        p95_ms=milliseconds(delays, 0.95),
        bytes_each=sum(found["bytes"]) // max(sum(found["seen"]), 1),
        **usage.figures,
    )


def burst(bench: Bench, pages: int) -> None:
    """Post many messages: one after another, then in one commit, then through the bare consumer."""
    each, size = 0.0, 0
    ways: dict[str, Callable[[], Posted]] = {
        "burst in one commit": lambda: bench.site.post_all(BURST),
        "burst": lambda: [bench.site.post(number) for number in range(BURST)],
    }
    for row, post in ways.items():
        with bench.pages(bench.web, bench.site.chat_pages(pages), DECODED):
            with bench.usage(bench.web) as usage:
                posted = post()
                are_all = bench.clients.wait_for(posted[-1][0], pages, PATIENCE)
            found = bench.clients.report()
        size = sum(found["bytes"]) // max(sum(found["seen"]), 1)
        each = told_burst(row, posted, found, usage, applied_all=are_all)
    with bench.pages(bench.bare, bare_pages(pages), DECODED):
        publish = publisher(bench.bare, size)
        with bench.usage(bench.bare) as usage:
            posted = [publish(number) for number in range(BURST)]
            rest(bench.clients)
        found = bench.clients.report()
    bare_each = told_burst("burst, bare", posted, found, usage)
    tell(row="burst", pages=pages, ratio=each / bare_each)


def told_burst(
    row: str, posted: Posted, found: dict[str, Any], usage: Usage, **more: bool
) -> float:
    """Print the outcome of a burst; return the milliseconds per change that was delivered."""
    last, seen = max(found["moved_at"]), found["seen"]
    each: float = 1000 * (last - posted[0][1]) / mean(seen)
    tell(
        row=row,
        pages=len(seen),
        delivered=mean(seen) / len(posted),
        seconds=last - posted[0][1],
        after_last_ms=1000 * (last - posted[-1][1]),
        ms_each=each,
        bytes_each=sum(found["bytes"]) // sum(seen),
        **more,
        **usage.figures,
    )
    return each


def rest(clients: Clients) -> None:
    """Wait until nothing has arrived for two seconds."""
    began = time.time()

    def is_quiet() -> bool:
        moved_at: list[float] = clients.report()["moved_at"]
        return time.time() - max(began, *moved_at) > 2 * GRACE

    soon(is_quiet, PATIENCE)


def inbox(bench: Bench, pages: int) -> None:
    """Open, answer and reassign requests, each once every page shows the change before."""
    desk, delays = Desk(bench.site), dict[str, list[float]]()
    with bench.pages(bench.web, bench.site.home_pages(pages)):
        with bench.usage(bench.web) as usage:
            for change in islice(desk.changes(), bench.seconds):
                delays.setdefault(change.kind, []).extend(learned(bench.clients, change))
        fetches = bench.clients.in_order("fetched")
    for kind, found in delays.items():
        tell(
            row=f"inbox, {kind}",
            pages=pages,
            p50_ms=milliseconds(found, 0.5),
            p95_ms=milliseconds(found, 0.95),
            never=found.count(NEVER),
            of=len(found),
        )
    tell(row="inbox", pages=pages, **told_apart(bench, fetches), **usage.figures)


def learned(clients: Clients, change: Change) -> list[float]:
    """Return the seconds until each page shows the change in its row and in its badge."""
    found: list[float] = []

    def all_know() -> bool:
        pages = clients.in_order("knowing")
        found[:] = [known_at(pages[place], place, change) - change.at for place in change.learners]
        return NEVER not in found

    soon(all_know, KNOWN_WITHIN)
    return found


def known_at(page: tuple[Any, Any], place: int, change: Change) -> float:
    """Return the time at which a page first showed both the row and the badge."""
    cards, badges = page
    wanted = (change.request, change.kind)
    row = [at for *card, at in cards if tuple(card) == wanted]
    number = change.badges[0 if place == 0 else 1]
    badge = [at for shown, at in badges if shown == number and at >= change.at]
    return max(min(row, default=NEVER), min(badge, default=NEVER))


def changes(bench: Bench, pages: int) -> None:
    """Make ten changes of requests a second while a thousand pages are open."""
    made = Desk(bench.site).changes()
    with bench.pages(bench.web, bench.site.home_pages(pages)):
        with bench.usage(bench.web) as usage:
            done = paced(lambda _: (0, next(made).at), 4 * bench.seconds)
        fetches = bench.clients.in_order("fetched")
    rate = len(done) / usage.seconds
    tell(row="changes", pages=pages, rate=rate, **told_apart(bench, fetches), **usage.figures)


def answers(bench: Bench, pages: int) -> None:
    """Measure the time from an answer until its receipt is on all pages of the session."""
    from chat.models import HumanRequest, Session
    from chat.models.session import session_of
    from procedures.runner import advance_run

    run, delays = bench.site.asking(ANSWERS), list[float]()
    session = Session.objects.get(pk=session_of(run))
    bench.site.join(session)
    with (
        bench.pages(bench.web, bench.site.chat_pages(pages, session)),
        bench.usage(bench.web) as usage,
    ):
        for _ in range(ANSWERS):
            session.refresh_from_db()
            before = session.last_seq
            bench.clients.wait_for(before, pages, PATIENCE)
            at = answer(str(HumanRequest.objects.open().get(wait__run=run).pk), bench.site.admin)
            bench.clients.wait_for(before + 1, pages, KNOWN_WITHIN)
            arrivals = bench.clients.report()["arrivals"]
            delays += [arrived.get(before + 1, NEVER) - at for arrived in arrivals]
            advance_run(run.pk)
    tell(
        row="answers",
        pages=pages,
        p50_ms=milliseconds(delays, 0.5),
        p95_ms=milliseconds(delays, 0.95),
        never=delays.count(NEVER),
        of=len(delays),
        **usage.figures,
    )


def memory(bench: Bench, pages: int) -> None:
    """Measure two fresh servers before pages are opened, and after they have been open a while."""
    ours, bare = bench.new_servers()
    each = {
        "kb_each": grown(bench, ours, bench.site.chat_pages(pages)),
        "bare_kb_each": grown(bench, bare, bare_pages(pages)),
    }
    tell(row="memory", pages=pages, **each, ratio=each["kb_each"] / each["bare_kb_each"])


def grown(bench: Bench, web: Any, plans: Sequence[PagePlan]) -> float:
    """Return the memory that the server has gained for each page, in kilobytes."""
    with bench.pages(web, plans[:WARM_UP]):
        pass
    before = memory_of(web.pid)
    with bench.pages(web, plans):
        time.sleep(bench.settle)
        return 1024 * (memory_of(web.pid) - before) / len(plans)


def told_apart(bench: Bench, fetches: Sequence[int]) -> dict[str, int]:
    concerned = len(bench.site.concerned)
    return {
        "fetches_of_concerned": sum(fetches[:concerned]),
        "fetches_of_others": sum(fetches[concerned:]),
    }


def paced(change: Callable[[int], tuple[int, float]], seconds: float) -> Posted:
    """Make ten changes a second, or as many as there is time for."""
    began, made = time.monotonic(), list[tuple[int, float]]()
    while time.monotonic() - began < seconds:
        made.append(change(len(made)))
        time.sleep(max(began + len(made) / RATE - time.monotonic(), 0))
    return made


def bare_pages(count: int) -> list[PagePlan]:
    return [PagePlan("", [(BARE, "page", 0)], "/bare", has_gaps=True)] * count


def publisher(bare: Any, size: int) -> Callable[[int], tuple[int, float]]:
    """Return a function that sends a message of that size to all pages of the bare server."""
    socket = PageSocket(bare.port, "/publish")
    socket.accept()

    def publish(number: int) -> tuple[int, float]:
        frame = {"stream": BARE, "seq": number + 1, "html": ""}
        html = "x" * (size - len(json.dumps(frame)))
        at = time.time()
        socket.say_text(json.dumps(frame | {"html": html}))
        return number + 1, at

    return publish


def milliseconds(values: Sequence[float], part: float) -> float | None:
    """Return a quantile, or None if the message for it never arrived."""
    found = sorted(values)[min(int(part * len(values)), len(values) - 1)]
    return None if found == NEVER else round(1000 * found, 1)


ROWS: dict[str, tuple[Callable[[Bench, int], None], tuple[int, ...]]] = {
    "idle": (idle, (200, 1000)),
    "messages": (messages, (200, 1000)),
    "burst": (burst, (200,)),
    "inbox": (inbox, (1000,)),
    "changes": (changes, (1000,)),
    "answers": (answers, (200,)),
    "memory": (memory, (1000,)),
}
"""Each row, and the numbers of pages with which it is measured."""
