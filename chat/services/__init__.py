"""What people do in sessions, each in one transaction."""

from chat.services.responses import (
    AlreadyAnsweredError,
    Answer,
    NotAskedError,
    respond,
)

__all__ = ["AlreadyAnsweredError", "Answer", "NotAskedError", "respond"]
