"""A client of the texts that running steps write, as docs/live.md describes it."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class ReadText:
    """A text of a step, as far as it was sent."""

    number: int = 0
    attempt: int = 0
    size: int = 0
    text: str = ""
    is_long: bool = False
    end: str = ""
    digest: str = ""

    def take(self, frame: dict[str, Any]) -> None:
        assert frame["at"] == self.size, "A piece is missing, or came twice."
        self.text += frame["text"]
        self.size = frame["to"]
        assert len(self.text.encode()) == self.size
        self.is_long = self.is_long or frame.get("is_long", False)
        self.end, self.digest = frame.get("end", ""), frame.get("digest", "")


@dataclass
class TextReader:
    """The texts of a run, over any number of sockets one after another."""

    run: str
    texts: dict[str, ReadText] = field(default_factory=dict)
    attempts: list[int] = field(default_factory=list)
    """The attempt of each text that was begun, in order."""
    frames: int = 0

    @property
    def follow(self) -> dict[str, Any]:
        """The message by which a socket follows from here on."""
        at = {step: [one.number, one.size] for step, one in self.texts.items()}
        return {"follow": f"text:{self.run}", "at": at}

    def take(self, frame: dict[str, Any]) -> None:
        if frame.get("stream") != f"text:{self.run}" or "step" not in frame:
            return
        self.frames += 1
        text = self.texts.setdefault(frame["step"], ReadText())
        if frame["number"] != text.number:
            assert frame["number"] > text.number, "An earlier text came after a later one."
            text = self.texts[frame["step"]] = ReadText(frame["number"], frame["attempt"])
            self.attempts.append(frame["attempt"])
        text.take(frame)
