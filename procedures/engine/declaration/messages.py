"""Messages from people, as the code of a run gets them."""

from dataclasses import dataclass
from datetime import datetime

from procedures.engine.values.files import File


@dataclass(frozen=True)
class InboxMessage:
    """A message from a person to a run; a message that stands for a timeout counts as false."""

    text: str
    sender: str
    """The name of the person who wrote the message, or "system: deadline"."""
    at: datetime
    id: str
    """The id of the message in the chat session; "" for a timeout."""
    timed_out: bool = False
    files: tuple[File, ...] = ()
    """The files that were sent with the message; their contents are read like an input's."""

    def __bool__(self) -> bool:
        return not self.timed_out
