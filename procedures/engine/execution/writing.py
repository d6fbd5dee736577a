"""The text that an attempt of a step writes: shown piece by piece, stored when the step ends."""

import threading
from collections.abc import Callable
from functools import cached_property
from hashlib import sha256
from typing import Any

from procedures.engine.errors import EngineError, SizeError
from procedures.engine.journal.events import EventKind, NewEvent, Piece
from procedures.engine.journal.large import packed
from procedures.engine.values import canonical
from procedures.engine.values.options import check_text
from procedures.engine.values.secrecy import Masker

LONGEST_SHOWN = 20_000
"""The largest number of characters of a written text that its chat message contains.

A longer text is cut in the message. The event of the message also stores the whole text.
"""
LONGEST_NAME = 100
KEPT, FAILED = "kept", "failed"


class Writing:
    """The text of one attempt; any thread of the step may write to it, without waiting."""

    def __init__(
        self,
        key: str,
        attempt: int,
        *,
        most: int,
        show: Callable[[Piece], None],
        begin: Callable[[], None],
    ) -> None:
        """Prepare an empty text of at most `most` characters; the step's own thread must call this.

        `show` is called with each piece of the text, by the thread that writes the piece. `begin`
        is called once, by the step's own thread, after that thread has written its first piece.
        """
        self._key, self._attempt, self._most = key, attempt, most
        self._show, self._begin = show, begin
        self._parts: list[str] = []
        self._characters = self._bytes = 0
        self._has_begun = self._is_over = False
        self._thread, self._lock = threading.get_ident(), threading.Lock()

    def write(self, text: object) -> None:
        piece = canonical.legible(check_text("The text of step.write", text))
        with self._lock:
            if self._is_over:
                raise EngineError(f"The step {self._key} has ended and can't write any more text.")
            self._characters += len(piece)
            if self._characters > self._most:
                words = f"The step {self._key} has written more than {self._most:,} characters."
                raise SizeError(f"{words} Keep the text as a file (File.keep).")
            self._add(self._masker.take(piece))
        if not self._has_begun and threading.get_ident() == self._thread:
            self._has_begun = True
            self._begin()

    def close(self) -> None:
        """Accept no more text, and show the last piece.

        The last piece is the text that was held back because it could be the beginning of a secret,
        which would have to be masked.
        """
        with self._lock:
            self._is_over = True
            self._add(self._masker.rest())

    def event(self, *, is_whole: bool) -> NewEvent | None:
        """Return the event that stores the text and posts it in the chat; None if there is no text.

        `is_whole` is False if the attempt failed; the text may then end in the middle of a
        sentence.
        """
        text = "".join(self._parts)
        if not text:
            return None
        data: dict[str, Any] = {
            "text": text[:LONGEST_SHOWN],
            "markdown": True,
            "step": self._key,
            "attempt": self._attempt,
            "digest": self._digest,
        }
        if len(text) > LONGEST_SHOWN:
            data |= {"left_out": len(text) - LONGEST_SHOWN, **packed("written", text)}
        if not is_whole:
            data["is_cut"] = True
        name = text.lstrip().partition("\n")[0][:LONGEST_NAME]
        return NewEvent(EventKind.NOTICE, self._key, name, data)

    def end(self, how: str) -> None:
        """Show people that the text has ended; `how` is "kept" or "failed"."""
        if self._parts:
            self._show(Piece(self._key, self._attempt, self._bytes, end=how, digest=self._digest))

    @cached_property
    def _masker(self) -> Masker:
        return Masker()

    @property
    def _digest(self) -> str:
        return sha256("".join(self._parts).encode()).hexdigest()

    def _add(self, text: str) -> None:
        if text:
            # Show it inside the lock, so that pieces are shown in the order in which they are
            # stored.
            self._show(Piece(self._key, self._attempt, self._bytes, text))
            self._parts.append(text)
            self._bytes += len(text.encode())
