"""An open socket of a page or a program, as the hub uses it."""

from typing import Protocol

from dashboard.live.credentials import Credential
from dashboard.live.outbox import Outbox
from dashboard.live.streams import Stream
from procedures.users import User

READY, QUEUED, LOST = "ready", "queued", "lost"
"""The states of a stream that a socket follows.

- READY: the socket gets each new change.
- QUEUED: the socket gets a range of earlier changes before it is ready.
- LOST: the client has read too slowly and missed changes, so it must ask for a range.
"""


class FollowedStream:
    """A stream that a socket follows, with the number of the last change sent to the socket."""

    __slots__ = ("form", "seq", "state", "told_at")

    def __init__(self, form: str, state: str = QUEUED) -> None:
        self.form, self.state = form, state
        self.seq, self.told_at = 0, 0.0


class Sender(Protocol):
    """The interface through which a socket queues frames. The hub implements it."""

    def send(self, socket: "Socket", stream: Stream, *texts: str) -> bool: ...

    def lose(self, socket: "Socket", stream: Stream) -> None: ...


class Socket:
    """An open socket with its credential, its outbox and the streams that it follows."""

    __slots__ = ("credential", "following", "outbox", "sender", "user", "waiting")

    def __init__(self, credential: Credential, outbox: Outbox, sender: Sender) -> None:
        self.credential, self.outbox, self.sender = credential, outbox, sender
        self.user: User | None = None
        """The user as last read; None until the credential was checked for the first time."""
        self.following: dict[Stream, FollowedStream] = {}
        self.waiting = 0
        """The number of requests of this socket that wait for a check of rights."""

    @property
    def lost(self) -> list[tuple[Stream, FollowedStream]]:
        return [(stream, one) for stream, one in self.following.items() if one.state == LOST]

    def hand(self, stream: Stream, *texts: str) -> bool:
        """Send frames of a stream and return True. If that isn't possible now, return False.

        The client is then told that it has missed changes, and asks for them.
        """
        return self.sender.send(self, stream, *texts)

    def lose(self, stream: Stream) -> None:
        """Make the hub tell the client that it has missed changes of a stream that it follows."""
        self.sender.lose(self, stream)

    def tell(self, text: str) -> None:
        """Send a message that belongs to no stream, even if the outbox is full."""
        self.outbox.put(text, is_urgent=True)
