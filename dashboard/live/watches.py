"""The followed streams, each with its followers and the time until which it rests."""

from dataclasses import dataclass, field

from dashboard.live.frames import Frame
from dashboard.live.socket import Socket
from dashboard.live.streams import Head, Stream
from dashboard.live.threads import Done

SHARE = 10
"""The length of a stream's rest, as a multiple of the processor time that rendering took."""
GATHER = 0.05
"""The maximum number of seconds of rest for a stream whose frames don't repeat each other.

A longer rest would only save messages.
"""


@dataclass(slots=True, eq=False)
class Watch:
    """A followed stream in one form of frames, with its followers."""

    stream: Stream
    form: str
    head: Head
    """The head of the stream up to which followers have been sent everything."""
    followers: set[Socket] = field(default_factory=set)
    is_rung: bool = False
    rests_until: float = 0.0
    """The end of the rest, on the monotonic clock."""

    @property
    def redraws(self) -> bool:
        """True if each rendering repeats most of the last one, so fewer renderings save work."""
        return self.stream.kind == "run" and self.form != "data"

    def is_due(self, now: float, *, is_round: bool) -> bool:
        return self.rests_until <= now and (is_round or self.is_rung)

    def rest(self, done: Done[list[Frame]], *, now: float) -> None:
        """Set how long the stream rests after a rendering, so that rendering takes a small share.

        The rest follows from the processor time of the rendering and from the time that it took.
        The time that it waited in the queue doesn't count. If renderings don't repeat each other,
        the stream rests at most `GATHER` seconds, so that changes are sent together.
        """
        rest = max(done.worked * SHARE, done.took * 2) - done.took
        self.rests_until = now + (rest if self.redraws else min(rest, GATHER))
