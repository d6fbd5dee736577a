"""A file store in memory."""

import hashlib

from procedures.engine.errors import FileGoneError


class MemoryFiles:
    """A file store in memory."""

    largest_inline = 64 * 1024
    patience: float = 60

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}
        self.fault: Exception | None = None
        """The exception that every use raises, if a test makes the store unreachable; else None."""

    def check(self) -> None:
        if self.fault:
            raise self.fault

    def put(self, content: bytes) -> str:
        self.check()
        digest = hashlib.sha256(content).hexdigest()
        self._contents[digest] = content
        return digest

    def get(self, digest: str) -> bytes:
        self.check()
        if digest not in self._contents:
            raise FileGoneError(digest, "is gone")
        return self._contents[digest]

    def forget(self, digest: str) -> None:
        """Delete the content with this digest, as if the store had lost it."""
        del self._contents[digest]
