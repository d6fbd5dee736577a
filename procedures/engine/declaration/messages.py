"""Messages from people, as the code of a run gets them."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class InboxMessage:
    """A message from a person to a run; one that stands for a timeout counts as false."""

    text: str
    sender: str
    """The name of the person who wrote it, or "system: deadline"."""
    at: datetime
    id: str
    """The id of the message in the chat session; "" for a timeout."""
    timed_out: bool = False

    def __bool__(self) -> bool:
        return not self.timed_out
