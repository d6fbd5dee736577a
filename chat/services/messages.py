"""Saying something in a session, and answering by saying it."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from chat.models import HumanRequest, HumanResponse, Message, Session
from chat.services.replies import NoReplyError, read_reply
from chat.services.responses import AlreadyAnsweredError, Answer, NotAskedError, respond
from procedures.engine.errors import AnswerError, EngineError
from procedures.engine.sizes import Sizes
from procedures.models.clock import clock


class MessageError(EngineError):
    """What somebody wrote cannot be kept; the message is for the person."""


@dataclass(frozen=True)
class Reply:
    """What became of words that were meant as an answer."""

    request: HumanRequest
    response: HumanResponse | None
    reason: str = ""
    """Why they did not answer."""


def post_message(session: Session, text: str, *, by: User, client_key: str = "") -> Message:
    """Keep what a person says. The same key by the same person again gives the first message."""
    text = _clean(text)
    if client_key and (message := _earlier(session, by, client_key)):
        return message
    try:
        return _create(session, text, by, client_key)
    except IntegrityError:
        if message := _earlier(session, by, client_key):
            return message
        raise


def reply(request: HumanRequest, text: str, *, by: User, address: str | None = None) -> Reply:
    """Take a person's words as their answer, if they are one. Calling it twice is harmless."""
    try:
        value = read_reply(request.asked, text)
        response, _ = respond(request.pk, Answer(value, "", "chat", address), by=by)
    except (NoReplyError, AnswerError, AlreadyAnsweredError, NotAskedError) as error:
        return Reply(request, None, str(error))
    return Reply(request, response)


@transaction.atomic
def _create(session: Session, text: str, by: User, client_key: str) -> Message:
    now, kind = clock.now(), Message.Kind.PERSON
    message = Message(
        session=session, kind=kind, author=by, text=text, at=now, client_key=client_key
    )
    message.add_to(session.pk)
    return message


def _earlier(session: Session, by: User, client_key: str) -> Message | None:
    return Message.objects.filter(session=session, author=by, client_key=client_key).first()


def _clean(text: str) -> str:
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise MessageError("Write something first.")
    if len(text) > (most := Sizes(**settings.SIZES).message):
        words = f"A message has at most {most:,} characters; this one has {len(text):,}."
        raise MessageError(f"{words} Shorten it, or send it in parts.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise MessageError("The message holds characters that cannot be kept.") from None
    if "\0" in text:
        raise MessageError("The message holds characters that cannot be kept.")
    return text
