"""Messages from people, as the code of a run gets them."""

from dataclasses import dataclass
from datetime import datetime

from procedures.engine.values.files import File


@dataclass(frozen=True)
class InboxMessage:
    """A message from a person to a run, or the default text if nobody wrote in time.

    The truth value of an `InboxMessage` is True for a message from a person, and False for a
    default text: `if message:` tests whether a person wrote.
    """

    text: str
    sender: str
    """The name of the person who wrote the message; "system: deadline" if nobody wrote in time."""
    at: datetime
    id: str
    """The id of the message in the chat session; "" if nobody wrote in time."""
    timed_out: bool = False
    files: tuple[File, ...] = ()
    """The files that were sent with the message; code reads them like a file that is an input."""

    def __bool__(self) -> bool:
        return not self.timed_out
