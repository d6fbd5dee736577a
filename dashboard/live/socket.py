"""An open socket of a page or a program, as the hub uses it."""

from typing import Protocol

from dashboard.live.credentials import Credential
from dashboard.live.outbox import Outbox
from dashboard.live.streams import Stream
from procedures.users import User

READY, QUEUED, LOST = "ready", "queued", "lost"
"""The states of a stream for a socket.

READY sockets get each change. QUEUED ones get a range first. LOST ones read too slowly, have missed
changes, and must ask for a range.
"""


class Following:
    """A stream that a socket follows, and the number up to which everything has been sent."""

    __slots__ = ("form", "seq", "state", "told_at")

    def __init__(self, form: str, state: str = QUEUED) -> None:
        self.form, self.state = form, state
        self.seq, self.told_at = 0, 0.0


class Sender(Protocol):
    """The interface through which a socket sends frames; the hub implements it."""

    def send(self, socket: "Socket", stream: Stream, *texts: str) -> bool: ...


class Socket:
    """An open socket, with its credential and the streams it follows."""

    __slots__ = ("credential", "following", "outbox", "sender", "user", "waiting")

    def __init__(self, credential: Credential, outbox: Outbox, sender: Sender) -> None:
        self.credential, self.outbox, self.sender = credential, outbox, sender
        self.user: User | None = None
        """The person as last read; None until the credential was checked for the first time."""
        self.following: dict[Stream, Following] = {}
        self.waiting = 0
        """The number of the socket's requests that wait for a check of rights."""

    @property
    def lost(self) -> list[tuple[Stream, Following]]:
        return [(stream, one) for stream, one in self.following.items() if one.state == LOST]

    def hand(self, stream: Stream, text: str) -> bool:
        """Send a frame of a stream, or return False; the page then asks for it later."""
        return self.sender.send(self, stream, text)

    def tell(self, text: str) -> None:
        """Send a message that doesn't belong to a stream, even if the outbox is full."""
        self.outbox.put(text, is_urgent=True)
