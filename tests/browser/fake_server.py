"""A live server for one page, which sends what it must in an order that a seed chooses."""

import json
from collections import defaultdict
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Error, Page, Request, Route, WebSocketRoute

import dashboard
from tests.processes import wait_until

SITE = "http://live.test"
TALK, RUN = "session:1", "run:1"
MODULE = Path(dashboard.__file__).parent / "static" / "dashboard" / "live.js"
THINGS = 6
MOST_CHANGES = 5
MOST_ASKED = 400
"""The maximum number of a page's messages to answer; a faulty page could ask without end."""
FATES = {"now": 60, "held": 20, "twice": 20}
STEPS = {"talk": 50, "run": 15, "release": 20, "lose": 8, "cut": 4, "stale": 2, "denied": 1}
PAGE = """<!doctype html><html data-socket="/live" data-range="/live/range">
<body><div id="talk">{things}</div><div id="runs">{card}</div>
<live-stream stream="session:1" form="page" after="{head}"></live-stream>
<live-stream stream="run:1" form="card" after="{run_head}"></live-stream>
<script type="module" src="/live.js"></script></body></html>"""


class FakeServer:
    """The changes of a session and of a run's card, and the one socket of a page."""

    def __init__(self, page: Page, chance: Random, mend: Callable[[str], str]) -> None:
        self._chance, self._module = chance, mend(MODULE.read_text())
        self._things: list[int] = []
        self._state = self._run_head = self._clock = 0
        self._socket: WebSocketRoute | None = None
        self._follows: set[str] = set()
        self._held: list[str] = []
        self._asked = 0
        self._on_their_way: set[Request] = set()
        self.is_calm = False
        self._page = page
        page.on("request", self._set_out)
        page.on("requestfinished", self._come_back)
        page.on("requestfailed", self._come_back)
        page.route(f"{SITE}/**", self._serve)
        page.route_web_socket("**/live", self._connect)

    @property
    def head(self) -> int:
        return len(self._things)

    @property
    def cursors(self) -> dict[str, int]:
        return {TALK: self.head, RUN: self._run_head}

    @property
    def shown(self) -> dict[str, str]:
        """The text of each element, by its id."""
        things = {f"thing-{one}": self._text_of(one) for one in self._things}
        return things | {"card": f"state {self._state}"}

    def step(self) -> None:
        """Change something, or do something to the connection."""
        [kind] = self._chance.choices(list(STEPS), list(STEPS.values()))
        getattr(self, f"_{kind}")()

    @property
    def is_followed(self) -> bool:
        """Return True if the page has a socket that follows the session."""
        return self._socket is not None and TALK in self._follows

    def lose_the_last(self) -> None:
        """End with a change of which the page is told only that there is one."""
        self._lose()

    def tell_heads(self) -> None:
        """Deliver what was held, and say how far the streams are."""
        self.is_calm = True
        self._release()
        for stream in self._follows:
            self._send({"stream": stream, "head": self.cursors[stream]})

    def wait_until_answered(self) -> None:
        """Wait until no request is on its way: these take no time of the page's clock."""
        wait_until(self._has_answered, what="a page without requests")

    def _set_out(self, request: Request) -> None:
        self._on_their_way.add(request)

    def _come_back(self, request: Request) -> None:
        self._on_their_way.discard(request)

    def _has_answered(self) -> bool:
        try:
            self._page.evaluate("0")  # by then everything that happened before has been reported
        except Error:  # it is being loaded again
            self._page.wait_for_load_state()
        return not self._on_their_way

    def _talk(self) -> None:
        before = self.head
        self._change()
        if TALK in self._follows:
            self._send({"stream": TALK, "frames": self._frames(before)})

    def _lose(self) -> None:
        """Change something and send nothing but, perhaps later, that there is more."""
        self._change()
        if TALK in self._follows:
            self._send({"stream": TALK, "head": self.head})

    def _change(self) -> None:
        for _ in range(self._chance.randint(1, MOST_CHANGES)):
            self._things.append(self._chance.randrange(THINGS))

    def _run(self) -> None:
        self._state += 1
        self._run_head += self._chance.choice((0, 0, 1, 3))
        if RUN in self._follows:
            self._send({"stream": RUN, "frames": [self._card()]})

    def _release(self) -> None:
        """Deliver what was held, in any order."""
        self._chance.shuffle(self._held)
        while self._held and self._socket:
            self._socket.send(self._held.pop())

    def _cut(self) -> None:
        socket = self._socket
        self._gone()
        if socket:
            socket.close()  # meanwhile the page may connect again

    def _stale(self) -> None:
        self._send({"stream": TALK, "stale": "Read it again."})

    def _denied(self) -> None:
        self._send({"stream": RUN, "denied": "You may not."})

    def _frames(self, after: int) -> list[dict[str, Any]]:
        """Return a range as drawn now; a thing that changed twice comes with its last number."""
        last = {thing: seq for seq, thing in enumerate(self._things, 1)}
        return [
            {"seq": seq, "html": f'<p id="thing-{one}" data-into="talk">{self._text_of(one)}</p>'}
            if last[one] == seq
            else {"seq": seq}
            for seq, one in enumerate(self._things[after:], after + 1)
        ]

    def _text_of(self, thing: int) -> str:
        return f"changed {self._things.count(thing)} times"

    def _card(self) -> dict[str, Any]:
        self._clock += 1
        html = f'<b id="card" data-into="runs">state {self._state}</b>'
        return {"seq": self._run_head, "html": html, "as_of": self._clock}

    def _send(self, message: dict[str, Any]) -> None:
        text = json.dumps(message)
        [fate] = self._chance.choices(list(FATES), list(FATES.values()))
        if self._socket and (self.is_calm or fate != "held"):
            self._socket.send(text)
        if fate != "now" and not self.is_calm:
            self._held.append(text)

    def _connect(self, socket: WebSocketRoute) -> None:
        self._gone()
        self._socket = socket
        socket.on_message(self._hear)

    def _gone(self) -> None:
        """Forget the connection, with all that was on its way."""
        self._socket, self._held = None, []
        self._follows = set()

    def _hear(self, text: str | bytes) -> None:
        asked = json.loads(text)
        self._asked += 1
        if self._asked > MOST_ASKED:
            return
        if "leave" in asked:
            self._follows.discard(asked["leave"])
            return
        stream = asked.get("follow") or asked["range"]
        if "follow" in asked:
            self._follows.add(stream)
        for frames in self._ranges(stream, asked["after"]):
            self._send({"stream": stream, "frames": frames})

    def _ranges(self, stream: str, after: int) -> list[list[dict[str, Any]]]:
        """The frames after a number, in messages of some length."""
        found = self._frames(after) if stream == TALK else [self._card()]
        parts = defaultdict(list)
        length = self._chance.randint(1, 2 * MOST_CHANGES)
        for place, frame in enumerate(found):
            parts[place // length].append(frame)
        return list(parts.values())

    def _serve(self, route: Route) -> None:
        address = urlsplit(route.request.url)
        if address.path == "/live.js":
            route.fulfill(body=self._module, content_type="text/javascript")
        elif address.path == "/live/range":
            asked = parse_qs(address.query)
            parts = self._ranges(asked["stream"][0], int(asked["after"][0]))
            frames = list(chain.from_iterable(parts))
            route.fulfill(json={"frames": frames})
        else:
            route.fulfill(body=self._whole_page(), content_type="text/html")

    def _whole_page(self) -> str:
        things = "".join(
            f'<p id="{name}">{text}</p>' for name, text in self.shown.items() if name != "card"
        )
        card = f'<b id="card">state {self._state}</b>'
        return PAGE.format(things=things, card=card, head=self.head, run_head=self._run_head)
