"""The one WebSocket of a page, or of a program with a token.

The client sends:

- `{"follow": "run:<id>", "form": "page", "after": 12}` to get all changes with numbers above 12,
  and `{"leave": "run:<id>"}` to get no more changes.
- `{"follow": "inbox", "form": "page", "mark": "…"}` to follow `inbox` or `runs`. The server put the
  mark into the page. The mark stands for the state that the page shows.
- `{"follow": "text:<id>", "at": {"write": [1048577, 4000]}}` to follow the texts that the steps of
  a run write. In the example, the client already has the first 4,000 bytes of text number 1048577
  of the step "write".
- `{"range": "run:<id>", "after": 12}` to get again the changes with numbers above 12, some of which
  the client has missed.

The client receives:

- `{"stream": "run:<id>", "frames": [{"seq": 13, …}]}`: changes.
- `{"stream": "run:<id>", "head": 15}`: the number of the newest change, because the client has
  missed changes.
- `{"stream": "run:<id>", "denied": "…"}`: the user has no access to the stream.
- `{"stream": "session:<id>", "stale": "…"}`: the user may now see more or less of the stream than
  before, so the client must read the stream from its start.
- `{"announced": true}`: the announcements of the site have changed. Only pages are told.
- `{"error": "…"}`: the client's message can't be read.

`docs/live.md` describes the whole protocol.
"""

import asyncio
import json
from typing import Any

from dashboard.http.access_log import Receive, Scope, Send
from dashboard.live.batches import encode
from dashboard.live.credentials import SIGNED_OUT, credential_of
from dashboard.live.hub import Hub
from dashboard.live.marks import SEALED
from dashboard.live.outbox import Outbox
from dashboard.live.places import places_in
from dashboard.live.socket import Socket
from dashboard.live.streams import Stream, place_in
from procedures.engine.values.sent import without_doubles

UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
"""The errors that malformed messages of clients cause. Pages of the site send none of these."""
hubs: dict[asyncio.AbstractEventLoop, Hub] = {}
"""The hub of each event loop. The tasks of a hub run only in the loop that created them."""


async def serve_socket(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve the WebSocket of a page or a program, as an ASGI application."""
    await receive()
    # The socket is accepted even without a valid credential: browsers don't learn why a handshake
    # was refused, so the page would try again and again.
    await send({"type": "websocket.accept"})
    credential = credential_of(scope)
    if credential is None:
        await send({"type": "websocket.close", "code": SIGNED_OUT})
        return
    loop = asyncio.get_running_loop()
    hub = hubs.get(loop) or hubs.setdefault(loop, Hub())
    socket = Socket(credential, Outbox(send), hub)
    socket.outbox.on_room = lambda: hub.send_missed_heads(socket)
    hub.join(socket)
    try:
        while (event := await receive())["type"] == "websocket.receive":
            take(hub, socket, event.get("text") or "")
    # The server may also cancel a socket in use without a disconnect; the hub would then send
    # frames to it for as long as this process lives.
    finally:
        hub.drop(socket)


def take(hub: Hub, socket: Socket, text: str) -> None:
    """Carry out a message of the client. If the message is malformed, send the client an error."""
    try:
        _do(hub, socket, json.loads(text, object_pairs_hook=without_doubles))
    except UNREADABLE as error:
        socket.outbox.put(encode({"error": f"This message was refused: {error}"}))


def _do(hub: Hub, socket: Socket, asked: dict[str, Any]) -> None:
    if "leave" in asked:
        hub.leave(socket, Stream.parse(asked["leave"]))
        return
    if "typing" in asked:
        hub.type(socket, Stream.parse(asked["typing"]))
        return
    stream = Stream.parse(asked.get("follow") or asked["range"])
    after = place_in(asked.get("after", 0))
    if "follow" in asked:
        form, mark = str(asked.get("form", "data")), str(asked.get("mark", ""))[:SEALED]
        places = places_in(asked.get("at", {}))
        hub.follow(socket, stream, form, after=after, mark=mark, at=places)
    else:
        hub.send_range(socket, stream, after=after)
