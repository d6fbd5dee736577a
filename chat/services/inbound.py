"""Answers received through channels: authenticated, parsed, and recorded by `respond`."""

from dataclasses import replace

from django.core.files.uploadedfile import UploadedFile

from chat.access import visible_requests
from chat.channels.answers import Answer, Inbound
from chat.channels.channel import Channel, UnknownSenderError
from chat.channels.registry import find_channel
from chat.models import HumanRequest, HumanResponse
from chat.services.replies import NoReplyError, reading_of
from chat.services.responses import AlreadyAnsweredError, NotAskedError, respond
from chat.services.uploads import token_of
from procedures.engine.errors import AnswerError
from procedures.engine.values.attachments import takes_files
from procedures.inputs import store_upload
from procedures.users import User

ONLY_ON_ITS_CARD = (
    "This answer can't be undone, so it can't be given in a message. Use the button on the "
    "request's card."
)

UNREADABLE = (AttributeError, LookupError, TypeError, ValueError)
"""The exceptions that a channel may raise for a message in an unexpected format."""


class UnknownRequestError(LookupError):
    """An answer to a request that doesn't exist, or that the sender of the answer may not see."""


def receive(channel_name: str, inbound: Inbound) -> tuple[HumanResponse, bool]:
    """Record the answer in a message to a channel, and return what `respond` returns.

    Raises the errors of `respond`, and `UnknownChannelError`, `UnknownSenderError` or
    `UnknownRequestError`. Raises `AnswerError` if the message isn't an answer, and `NoReplyError`
    if its words don't mean an answer or must be confirmed first. The text of each error is a
    sentence for the sender.
    """
    channel = find_channel(channel_name)
    by = inbound.sender or sender_of(channel, inbound)
    if inbound.request:
        request, parsed = inbound.request, channel.parse(inbound)
    else:
        parsed = _parse(channel, inbound)
        request = _find(channel, parsed, by)
    answer = replace(parsed, channel=channel.name, address=inbound.address, program=inbound.program)
    if answer.words is not None:
        answer = _read(request, answer, answer.words, by)
    return respond(request.pk, answer, by=by)


def receive_file(request: HumanRequest, sent: UploadedFile, *, by: User) -> str:
    """Store a file for an answer to the request, and return the token that stands for the file.

    Raises `AnswerError` if the request doesn't ask for files, `NotAskedError` if `by` may not
    answer, `AlreadyAnsweredError` if the request is closed, and `TooLargeError`.
    """
    if not request.asks(by):
        raise NotAskedError(request)
    if not request.is_open:
        raise AlreadyAnsweredError(request)
    if not takes_files(request.asked.schema):
        raise AnswerError("This request doesn't ask for a file.")
    return token_of(request, store_upload(sent), by=by)


def sender_of(channel: Channel, inbound: Inbound) -> User:
    """Return the sender of a message, after the channel has authenticated this person.

    Raises `UnknownSenderError` if the channel doesn't know the sender or can't read the message.
    """
    try:
        return channel.authenticate(inbound)
    except UNREADABLE as error:
        raise UnknownSenderError from error


def _parse(channel: Channel, inbound: Inbound) -> Answer:
    """Return the answer in a channel's message; raise `AnswerError` if it is unreadable."""
    try:
        return channel.parse(inbound)
    except UNREADABLE as error:
        raise AnswerError("This message can't be read as an answer.") from error


def _find(channel: Channel, answer: Answer, by: User) -> HumanRequest:
    """Return the request whose id is in the answer.

    Raises `UnknownRequestError` if there is no such request or the sender may not see it, and
    `AnswerError` if the request can't be answered by this channel.
    """
    named = answer.request_id
    found = visible_requests(by).filter(pk=named).first() if named else None
    if found is None:
        raise UnknownRequestError("Request not found, or you don't have access.")
    if not channel.takes(found.asked):
        raise AnswerError("This request can't be answered here. Answer it on its page.")
    return found


def _read(request: HumanRequest, answer: Answer, text: str, by: User) -> Answer:
    """Return the answer with its words replaced by the value that they mean."""
    question = request.asked
    if question.irreversible and request.is_open and request.asks(by):
        raise NoReplyError(ONLY_ON_ITS_CARD)
    reading = reading_of(question, text)
    if not (reading.is_literal or answer.is_confirmed):
        meaning = question.rules.meaning_of(question, reading.value)
        raise NoReplyError(f"Your answer would count as “{meaning}”. Confirm it to answer.")
    return replace(answer, value=reading.value, is_confirmed=False)
