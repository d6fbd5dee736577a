"""The followed streams, each with its followers and the time of its next rendering."""

from dataclasses import dataclass, field

from dashboard.live.frames import Frame
from dashboard.live.socket import Socket
from dashboard.live.streams import Head, Stream
from dashboard.live.threads import Done

SHARE = 10
"""A stream's rest as a multiple of the time for which drawing it used the processor."""
GATHER = 0.05
"""The most seconds of rest if renderings don't repeat each other: a longer one would only save
messages."""


@dataclass(slots=True, eq=False)
class Watch:
    """A followed stream in one form, with its followers."""

    stream: Stream
    form: str
    head: Head
    """The head up to which the followers were sent everything."""
    followers: set[Socket] = field(default_factory=set)
    is_rung: bool = False
    rests_until: float = 0.0
    """The end of the stream's rest, on the monotonic clock."""

    @property
    def redraws(self) -> bool:
        """True if a rendering repeats most of the last one, so that rendering less saves work."""
        return self.stream.kind == "run" and self.form != "data"

    def is_due(self, now: float, *, is_round: bool) -> bool:
        return self.rests_until <= now and (is_round or self.is_rung)

    def rest(self, done: Done[list[Frame]], *, now: float) -> None:
        """Set the end of the stream's rest, in proportion to the work of rendering it.

        The time spent in the queue doesn't count, and the time spent waiting for the database
        counts once. If renderings don't repeat each other, the rest only lets changes be sent
        together.
        """
        rest = max(done.worked * SHARE, done.took * 2) - done.took
        self.rests_until = now + (rest if self.redraws else min(rest, GATHER))
