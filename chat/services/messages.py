"""Messages in a session, and answers given as messages."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db import IntegrityError

from chat.channels.answers import Answer, Inbound
from chat.channels.chat import Chat
from chat.models import HumanRequest, HumanResponse, Member, Message, Session
from chat.parts import find_part
from chat.services.heard import hand_to_run
from chat.services.inbound import receive
from chat.services.mentioning import find_mentioned, note_mentions
from chat.services.message_files import MessageError
from chat.services.programs import ProgramRefusedError
from chat.services.replies import NoReplyError, reading_of
from chat.services.responses import AlreadyAnsweredError, NotAskedError, respond
from procedures.conf import conf
from procedures.engine.errors import AnswerError, EngineError
from procedures.engine.lifecycle.refusals import OperationRefusedError
from procedures.engine.values import canonical
from procedures.engine.values.files import File
from procedures.engine.values.sizes import Sizes
from procedures.models.clock import clock
from procedures.transactions import service_atomic
from procedures.users import User


class MessageKeyError(MessageError):
    """The key of a message (`client_key`) was used again for a different message."""

    def __init__(self, key: str) -> None:
        super().__init__(f"The key {key!r} was already used for another message. Use a new key.")


class NotMemberError(EngineError):
    """Somebody who isn't a member of a session tried to do what only its members can do."""

    def __init__(
        self, message: str = "Only members of this session can start procedures in it."
    ) -> None:
        super().__init__(message)


REFUSED = (
    *(NoReplyError, AnswerError, AlreadyAnsweredError, NotAskedError, OperationRefusedError),
    ProgramRefusedError,
)
"""The errors whose text tells the author of a message why the message answered no request."""


@dataclass(frozen=True)
class Reply:
    """The result of a message that was meant as an answer: its response, or why it has none."""

    request: HumanRequest
    response: HumanResponse | None
    reason: str = ""
    """The reason why the message didn't answer the request; "" if it did."""


@dataclass(frozen=True)
class UnconfirmedAnswer:
    """The answer that a message would give, shown to the message's author to be confirmed."""

    request: HumanRequest
    value: Any

    @property
    def token(self) -> str:
        """The token with which the same message, sent again, confirms exactly this answer."""
        # The version is included, so that a confirmation doesn't count for a request that was
        # changed after it.
        meant = [str(self.request.pk), self.request.version, self.value]
        return canonical.digest(canonical.text_of(meant))


def echo_of(
    request: HumanRequest, text: str, *, by: User, confirmed: str = ""
) -> UnconfirmedAnswer | None:
    """Return the answer that a message would give, if the message's author must confirm it.

    Otherwise, return None: if the message isn't an answer, if its words are the value or the label
    of the answer, or if `confirmed` is the token of exactly this echo, which the author has then
    seen.
    """
    if not (request.is_open and request.asks(by)) or request.asked.irreversible:
        return None
    try:
        reading = reading_of(request.asked, text)
    except (NoReplyError, AnswerError):
        return None
    echo = UnconfirmedAnswer(request, reading.value)
    return None if reading.is_literal or echo.token == confirmed else echo


def post_message(  # noqa: PLR0913 (what a message can have)
    session: Session,
    text: str,
    *,
    by: User,
    client_key: str = "",
    reply_to: Message | None = None,
    steers: bool = False,
    files: Sequence[File] = (),
) -> Message:
    """Store a person's message in a session; a message that replies to a run is handed to that run.

    If the same person sends the same `client_key` again, nothing is stored and the first message is
    returned. Raises `MessageKeyError` if the first message has another text or other files, or
    replies to something else.

    Members of the session may read the message. If it replies to a person's message, the author of
    that message may read it, too. If it replies to an entry of a run, so may everybody who may see
    that run.

    A message that replies to a run's card, or to a text that the run posted, is written to that
    run. Its `delivery` says whether the run reads it. If `steers` is true, the step that is running
    may read it, too. A message with files, as `sent_message_files` returns them, needs no text.
    Locks the run to which the message is written, if any, and then the session.
    """
    text = checked_text(text) if text.strip() or not files else ""
    if message := find_sent(session, client_key, by=by):
        return _checked_repeat(message, text, reply_to, files)
    message = Message(
        session=session,
        kind=Message.Kind.PERSON,
        author=by,
        text=text,
        details=canonical.text_of({"files": list(map(asdict, files))}) if files else "",
        at=clock.now(),
        client_key=client_key,
        reply_to=reply_to,
    )
    try:
        _add(message, by=by, steers=steers)
    # If the same key is sent twice at once, the database keeps the first message, and the second
    # call returns that one.
    except IntegrityError:
        if earlier := find_sent(session, client_key, by=by):
            return _checked_repeat(earlier, text, reply_to, files)
        raise
    return message


def _checked_repeat(
    message: Message, text: str, reply_to: Message | None, files: Sequence[File]
) -> Message:
    """Return the message that has the key already.

    Raises `MessageKeyError` if that message has another text or other files, or replies to another
    message.
    """
    first = (message.text, message.reply_to_id, _digests(message.files))
    if first != (text, reply_to.pk if reply_to else None, _digests(files)):
        raise MessageKeyError(message.client_key)
    return message


def _digests(files: Iterable[File]) -> set[str]:
    return {file.digest for file in files}


def reply(
    request: HumanRequest,
    text: str,
    *,
    by: User,
    address: str | None = None,
    program: str = "",
    asks_back: bool = False,
) -> Reply:
    """Record a person's message as an answer to the request, and return what it did.

    If the message is no answer, or the answer is refused, the result has the reason. If `asks_back`
    is true, the message sends the request back to the run. If a program sends the message,
    `program` is the name of the program's token. Calling this function twice is harmless.
    """
    inbound = Inbound(text, sender=by, request=request, address=address, program=program)
    try:
        if asks_back:
            question = Answer(None, text, Chat.name, address, asks_back=True, program=program)
            response, _ = respond(request.pk, question, by=by)
        else:
            response, _ = receive(Chat.name, inbound)
    except REFUSED as error:
        return Reply(request, None, str(error))
    return Reply(request, response)


@service_atomic
def _add(message: Message, *, by: User, steers: bool) -> None:
    session = message.session
    mentioned = find_mentioned(message) if "@" in message.text else []
    hand_to_run(message, by=by, steers=steers)
    message.add_to(session.pk)
    # This is checked under the session's lock, so that somebody who was just removed can't write.
    is_member = Member.objects.filter(session=session, user=by).exists()
    if not is_member and find_part(by, session.pk) is None:
        raise NotMemberError("You can't write in this session any more.")
    note_mentions(message, mentioned)


def find_sent(session: Session, client_key: str, *, by: User) -> Message | None:
    """Return the person's message in the session that has this `client_key`, or None."""
    if not client_key:
        return None
    return Message.objects.filter(session=session, author=by, client_key=client_key).first()


def checked_text(text: str) -> str:
    """Return the text of a message in the form in which it is stored.

    Raises `MessageError` if the text is empty, too long, or can't be stored.
    """
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise MessageError("Write something first.")
    if len(text) > (most := Sizes(**conf.SIZES).message):
        words = f"The message has {len(text):,} characters; the limit is {most:,}."
        raise MessageError(f"{words} Shorten it, or send it in parts.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise MessageError("The message contains characters that can't be stored.") from None
    if "\0" in text:
        raise MessageError("The message contains characters that can't be stored.")
    return text
