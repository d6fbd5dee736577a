"""The followed streams, each with its followers and the end of its pause between renderings."""

from dataclasses import dataclass, field

from dashboard.live.frames import Frame
from dashboard.live.socket import Socket
from dashboard.live.streams import Head, Stream
from dashboard.live.threads import CallResult

SHARE = 10
"""The time of a rendering and its rest, as a multiple of the rendering's processor time."""
GATHER = 0.05
"""The maximum rest in seconds for a stream in which each frame has new content.

A longer rest would save a few messages, but no rendering.
"""


@dataclass(slots=True, eq=False)
class Watch:
    """A stream that is followed in one form, with the followers who use this form."""

    stream: Stream
    form: str
    head: Head
    """The stream's head when its changes were last sent to the followers."""
    followers: set[Socket] = field(default_factory=set)
    is_rung: bool = False
    rests_until: float = 0.0
    """The time on the monotonic clock at which the stream's rest ends."""

    @property
    def redraws(self) -> bool:
        """True if each rendering repeats most of the one before, so rarer renderings save work."""
        return self.stream.kind == "run" and self.form != "data"

    def is_due(self, now: float, *, is_round: bool) -> bool:
        return self.rests_until <= now and (is_round or self.is_rung)

    def rest(self, done: CallResult[list[Frame]], *, now: float) -> None:
        """Set how long the stream rests after a rendering, to limit the time spent on rendering.

        A rendering and its rest together last `SHARE` times the rendering's processor time, or
        twice its duration, whichever is longer. The time that the rendering waited for its thread
        doesn't count. If each frame has new content, the rest is at most `GATHER` seconds.
        """
        rest = max(done.worked * SHARE, done.took * 2) - done.took
        self.rests_until = now + (rest if self.redraws else min(rest, GATHER))
