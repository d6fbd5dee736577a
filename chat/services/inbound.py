"""Answers that come by channels: read, authenticated, and given through `respond`."""

from dataclasses import replace

from chat.access import visible_requests
from chat.channels.answers import Answer, Inbound
from chat.channels.channel import Channel, UnknownSenderError
from chat.channels.registry import find_channel
from chat.models import HumanRequest, HumanResponse
from chat.services.replies import NoReplyError, reading_of
from chat.services.responses import respond
from procedures.engine.errors import AnswerError
from procedures.users import User

ONLY_ON_ITS_CARD = (
    "Its answer can't be undone, so it can only be given with the button on its card."
)

UNREADABLE = (AttributeError, LookupError, TypeError, ValueError)
"""Errors of code that reads a message of another form than it expects."""


class UnknownRequestError(LookupError):
    """An answer to a request that doesn't exist, or that its sender may not see."""


def receive(channel_name: str, inbound: Inbound) -> tuple[HumanResponse, bool]:
    """Record the answer in a message that a person has sent by a channel, as `respond` does.

    Raises what `respond` raises, and `UnknownChannelError`, `UnknownSenderError`,
    `UnknownRequestError`, `AnswerError` for a message that can't be an answer, and `NoReplyError`
    for words that answer nothing. Each is a sentence for the sender.
    """
    channel = find_channel(channel_name)
    by = inbound.sender or sender_of(channel, inbound)
    if inbound.request:
        request, parsed = inbound.request, channel.parse(inbound)
    else:
        parsed = _parse(channel, inbound)
        request = _find(channel, parsed, by)
    answer = replace(parsed, channel=channel.name, address=inbound.address)
    if answer.words is not None:
        answer = _read(request, answer, answer.words, by)
    return respond(request.pk, answer, by=by)


def sender_of(channel: Channel, inbound: Inbound) -> User:
    """Return the person who has sent a message, by the channel's own proof.

    Raises `UnknownSenderError`, also for a message that the channel could not read.
    """
    try:
        return channel.authenticate(inbound)
    except UNREADABLE as error:
        raise UnknownSenderError from error


def _parse(channel: Channel, inbound: Inbound) -> Answer:
    """Return the answer in a message from outside, which may hold anything."""
    try:
        return channel.parse(inbound)
    except UNREADABLE as error:
        raise AnswerError("This message can't be read as an answer.") from error


def _find(channel: Channel, answer: Answer, by: User) -> HumanRequest:
    """Return the request that the answer names, if the channel can take an answer to it."""
    named = answer.request_id
    found = visible_requests(by).filter(pk=named).first() if named else None
    if found is None:
        raise UnknownRequestError("There is no such request, or you may not see it.")
    if not channel.takes(found.asked):
        raise AnswerError("It can't be answered here. Answer it on its page.")
    return found


def _read(request: HumanRequest, answer: Answer, words: str, by: User) -> Answer:
    """Return the answer with the value that its words stand for."""
    question = request.asked
    if question.irreversible and request.is_open and request.asks(by):
        raise NoReplyError(ONLY_ON_ITS_CARD)
    reading = reading_of(question, words)
    if not (reading.is_literal or answer.is_confirmed):
        meaning = question.rules.meaning_of(question, reading.value)
        raise NoReplyError(f"That would count as “{meaning}”. Confirm it to answer.")
    return replace(answer, value=reading.value, is_confirmed=False)
