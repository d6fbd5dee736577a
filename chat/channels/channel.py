"""The base class of channels, which notify people and receive their answers."""

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
    """A delivery that would fail on every try, such as one to a closed account."""


class UnknownSenderError(EngineError):
    """An inbound message whose sender is unknown, or can't be verified."""

    def __init__(self, reason: str = "The sender of this message is unknown.") -> None:
        super().__init__(reason)


class Channel:
    """A way to notify people, to receive their answers, or both.

    A subclass must define `name`, and also `deliver`, `parse` or both. A channel that accepts
    messages from other servers also defines `authenticate`. Instances hold no state.
    """

    name: ClassVar[str]
    """The name in stored rows, such as "mail": a letter, then up to 19 of a-z, 0-9 and _."""
    phrase: ClassVar[str | Promise] = ""
    """The last words of a sentence about an answer: "by e-mail" in "Bob approved it by e-mail".

    "" if such a sentence names no channel.
    """
    controls: ClassVar[frozenset[str] | None] = None
    """The names of the form controls that this channel can offer; None for all controls."""
    undoes: ClassVar[bool] = False
    """True if people can undo an answer that they have given by this channel."""
    bundles: ClassVar[bool] = False
    """True if one message can tell a person about several requests."""
    reports: ClassVar[bool] = False
    """True if the channel tells programs how requests and runs ended, instead of asking people."""

    def is_on(self) -> bool:
        """Return True if the site's settings enable notifications by this channel."""
        return True

    def reachable(self, people: "QuerySet[User]") -> "QuerySet[User]":
        """Return those of the given people who can be notified by this channel."""
        return people

    def mentionable(self, people: "QuerySet[User]") -> "QuerySet[User]":
        """Return those of the given people who want this channel to notify them of mentions.

        A mention is a message that names a person after an @. A channel that overrides this method
        must be able to deliver notifications with a `mention`. By default, nobody is notified.
        """
        return people.none()

    def deliver(self, notification: "Notification") -> None:
        """Send a notification; return once the receiving service has accepted the notification.

        Raise `UndeliverableError` if the notification must not be tried again. After any other
        exception, the notification is tried again later. If a worker dies just after the service
        has accepted a notification, `deliver` is called again with the same `notification.key`.
        """
        raise NotImplementedError

    def take_back(self, notification: "Notification") -> None:
        """Remove a sent notification from the person's devices.

        This method is called when the notification's request no longer waits for the person. A
        channel that can take notifications back overrides this method. It is called in the same
        way as `deliver`, even if some or all of the person's devices don't have the notification.
        """
        raise NotImplementedError

    def takes(self, question: "Question") -> bool:
        """Return True if the question can be answered by this channel."""
        if not self.parses:
            return False
        return self.controls is None or all(one.name in self.controls for one in question.controls)

    def authenticate(self, inbound: Inbound) -> "User":
        """Return the sender of a message; raise `UnknownSenderError` if the sender isn't verified.

        A site's own channel that accepts messages from other servers overrides this method, and
        checks a signature or a secret.
        """
        if inbound.sender is None:
            raise UnknownSenderError
        return inbound.sender

    def parse(self, inbound: Inbound) -> Answer:
        """Return the answer in a message; raise `AnswerError` if the message isn't an answer.

        The answer has the `request_id` of its request, and either a value or the words that were
        typed.
        """
        raise NotImplementedError

    @property
    def delivers(self) -> bool:
        """True if the channel can notify people."""
        return type(self).deliver is not Channel.deliver

    @property
    def takes_back(self) -> bool:
        """True if the channel can take back what it has delivered."""
        return type(self).take_back is not Channel.take_back

    @property
    def parses(self) -> bool:
        """True if people can answer by the channel."""
        return type(self).parse is not Channel.parse

    @property
    def is_open_to_outside(self) -> bool:
        """True if the channel takes messages from other servers and authenticates their senders."""
        return type(self).authenticate is not Channel.authenticate
