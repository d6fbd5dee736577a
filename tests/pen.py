"""Pieces of texts, put down as a step at work does it."""

from hashlib import sha256

from procedures.engine.journal.events import Piece
from procedures.live_texts import scribe
from procedures.models import Run

STEP = "write"


class Pen:
    """A step that writes, without a worker."""

    def __init__(self, run: Run, *, step: str = STEP, epoch: int = 1, attempt: int = 1) -> None:
        self.run, self.step, self.epoch, self.attempt = str(run.pk), step, epoch, attempt
        self.text = ""

    def write(self, text: str) -> None:
        size = len(self.text.encode())
        self.text += text
        scribe.tell(self.run, self.epoch, Piece(self.step, self.attempt, size, text))

    def end(self, how: str = "kept") -> None:
        size, digest = len(self.text.encode()), sha256(self.text.encode()).hexdigest()
        scribe.tell(
            self.run, self.epoch, Piece(self.step, self.attempt, size, end=how, digest=digest)
        )
