"""The protocol of a channel: how people are notified by it, and how they answer by it."""

from typing import TYPE_CHECKING, ClassVar

from django.utils.functional import Promise

from chat.channels.answers import Answer, Inbound
from procedures.engine.errors import EngineError

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from chat.models import Notification
    from procedures.engine.kinds.questions import Question
    from procedures.users import User


class UndeliverableError(Exception):
    """A notification that would fail on every try, such as one to a closed account."""


class UnknownSenderError(EngineError):
    """An inbound message that nobody who is known here has sent."""

    def __init__(self, reason: str = "This message isn't from anybody who is known here.") -> None:
        super().__init__(reason)


class Channel:
    """A way to notify people, to take their answers, or both.

    A channel must define `name`, and `deliver` or `parse`. One that takes messages from outside
    also defines `authenticate`. Its objects hold no state.
    """

    name: ClassVar[str]
    """Its name in everything that is kept, such as "mail": small letters, digits and _."""
    phrase: ClassVar[str | Promise] = ""
    """The end of a sentence about an answer, such as "by e-mail"; "" to leave it out."""
    controls: ClassVar[frozenset[str] | None] = None
    """The names of the controls by which people can answer here; None for all of them."""
    bundles: ClassVar[bool] = False
    """True if one message can tell a person about several requests."""

    def is_on(self) -> bool:
        """Return True if the site's settings let it notify people."""
        return True

    def reachable(self, people: "QuerySet[User]") -> "QuerySet[User]":
        """Return those who can be notified by this channel."""
        return people

    def deliver(self, notification: "Notification") -> None:
        """Hand a notification over; return when it has been accepted.

        Raise any exception to have it tried again later, and `UndeliverableError` to give it up. It
        can be called again for a notification that was accepted, if its worker died at that moment:
        `notification.key` stays the same.
        """
        raise NotImplementedError

    def takes(self, question: "Question") -> bool:
        """Return True if the question can be answered by this channel."""
        if not self.parses:
            return False
        return self.controls is None or all(one.name in self.controls for one in question.controls)

    def authenticate(self, inbound: Inbound) -> "User":
        """Return the person who has sent a message; raise `UnknownSenderError` if that is unproven.

        A channel that takes messages from outside checks a signature or a secret here.
        """
        if inbound.sender is None:
            raise UnknownSenderError
        return inbound.sender

    def parse(self, inbound: Inbound) -> Answer:
        """Return the answer in a message; raise `AnswerError` if it can't be one.

        The answer names its request, and holds a value or the words that were typed.
        """
        raise NotImplementedError

    @property
    def delivers(self) -> bool:
        """True if people are notified by this channel."""
        return type(self).deliver is not Channel.deliver

    @property
    def parses(self) -> bool:
        """True if people can answer by this channel."""
        return type(self).parse is not Channel.parse

    @property
    def is_open_to_outside(self) -> bool:
        """True if it takes messages from outside, whose senders it authenticates itself."""
        return type(self).authenticate is not Channel.authenticate
