"""What people do in sessions, each in one transaction."""

from chat.services.messages import MessageError, Reply, post_message, reply
from chat.services.replies import options_of, read_reply, read_text
from chat.services.responses import (
    AlreadyAnsweredError,
    Answer,
    NotAskedError,
    respond,
)

__all__ = [
    "AlreadyAnsweredError",
    "Answer",
    "MessageError",
    "NotAskedError",
    "Reply",
    "options_of",
    "post_message",
    "read_reply",
    "read_text",
    "reply",
    "respond",
]
