"""A client of the live protocol without a network: `docs/live.md` from the reader's side."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Frame = dict[str, Any]


@dataclass
class Followed:
    """A followed stream, and the highest number that was applied of it."""

    stream: str
    form: str = "data"
    cursor: int = 0
    as_of: int = 0
    """The time at which the state shown was read, for changes without a new number."""
    mark: str = ""
    """The position of a doorbell when the page was drawn, or when it last rang."""
    denials: list[str] = field(default_factory=list)

    @property
    def is_numbered(self) -> bool:
        """Return True if its numbers have no gaps. A card may skip some; a doorbell has none."""
        return self.form != "card" and ":" in self.stream


class LiveClient:
    """Keeps a cursor per stream, drops repetitions, and asks for what is missing."""

    def __init__(self) -> None:
        self.streams: dict[str, Followed] = {}

    def follow(self, stream: str, form: str = "data", after: int = 0, mark: str = "") -> str:
        """The message that follows a stream from now on."""
        self.streams[stream] = Followed(stream, form, after, mark=mark)
        return self._message("follow", self.streams[stream])

    def follow_again(self) -> list[str]:
        """The messages after a reconnect."""
        return [self._message("follow", one) for one in self.streams.values() if not one.denials]

    def take(self, text: str | bytes) -> list[str]:
        """Apply the frames of a message. What is to be sent in turn comes back."""
        asked = {}
        for frame in frames_of(text):
            if "error" in frame:
                raise ValueError(frame["error"])
            followed = self.streams.get(frame["stream"])
            if followed and self._misses(followed, frame):
                asked[followed.stream] = followed
        return [self._message("range", one) for one in asked.values()]

    def apply(self, followed: Followed, frame: Frame) -> None:
        """Use what a frame says. It is the next one, or repeats the last one."""

    def begin_again(self, followed: Followed) -> None:
        """Forget what was applied: more or less of the stream may be seen now."""

    def misses(self, followed: Followed, frame: Frame) -> bool:
        """Return True if frames before this one haven't come."""
        return followed.is_numbered and frame["seq"] > followed.cursor + 1

    def repeats(self, followed: Followed, frame: Frame) -> bool:
        """Return True if a frame is older than what was applied."""
        shown = followed.cursor, followed.as_of
        return (frame["seq"], frame.get("as_of", followed.as_of)) < shown

    def _misses(self, followed: Followed, frame: Frame) -> bool:
        """Apply the frame, or find that a range must be asked for."""
        if "denied" in frame:
            followed.denials.append(frame["denied"])
            return False
        if "stale" in frame:
            followed.cursor = followed.as_of = 0
            self.begin_again(followed)
            return True
        if "head" in frame:
            # Also at the same number: a run's state may have changed without a new one.
            return bool(frame["head"] >= followed.cursor)
        if self.misses(followed, frame):
            return True
        if not self.repeats(followed, frame):
            self.apply(followed, frame)
            followed.cursor = frame["seq"]
            followed.as_of = frame.get("as_of", followed.as_of)
            followed.mark = frame.get("mark", followed.mark)
        return False

    def _message(self, verb: str, followed: Followed) -> str:
        words = {verb: followed.stream, "after": followed.cursor}
        if verb == "follow":
            words["form"] = followed.form
            words |= {"mark": followed.mark} if followed.mark else {}
        return json.dumps(words)


def frames_of(text: str | bytes) -> Iterator[Frame]:
    """The frames of a message: one by itself, or several of a stream in order."""
    told = json.loads(text)
    for one in told if isinstance(told, list) else [told]:
        if "together" in one or "newest" in one:
            continue  # it has no number of its own
        if "frames" in one:
            yield from ({"stream": one["stream"], **frame} for frame in one["frames"])
        else:
            yield one
