"""Files of messages, which a person sends before the message.

The message then contains a signed token for each file.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from django.core import signing
from django.core.files.uploadedfile import UploadedFile

from chat.models import Message, Session
from procedures.conf import conf
from procedures.engine.errors import EngineError, FileGoneError
from procedures.engine.values.files import File
from procedures.files import keep_uploads
from procedures.inputs import store_upload
from procedures.users import User

MOST_FILES = 10
"""The maximum number of files of one message."""


class MessageError(EngineError):
    """A message that can't be stored; the error's text is for the author of the message."""


def receive_message_file(session: Session, sent: UploadedFile, *, by: User) -> str:
    """Store a file for a message in the session, and return the token that stands for the file.

    The token is valid only for this person and this session, and for the time `UPLOADS_KEPT`.
    Raises `TooLargeError`.
    """
    # The token is signed. Otherwise, anybody could send the digest of somebody else's file, and
    # read that file.
    return signing.dumps(asdict(store_upload(sent)), salt=_salt(session, by))


def sent_message_file(
    session: Session, token: str, *, by: User, at_any_age: bool = False
) -> File | None:
    """Return the file for which a token stands, or None if the token is invalid or too old."""
    age = None if at_any_age else conf.UPLOADS_KEPT
    try:
        found = signing.loads(token, salt=_salt(session, by), max_age=age)
    except signing.BadSignature:
        return None
    return File(**found)


def sent_message_files(session: Session, tokens: Iterable[str], *, by: User) -> list[File]:
    """Return the files for which tokens stand, each once, after storing them permanently.

    Raises `MessageError` if a file isn't stored any more, or if there are more than `MOST_FILES`.
    Call this function before the transaction that stores the message, because storing files can
    take long.
    """
    found = {token: sent_message_file(session, token, by=by) for token in dict.fromkeys(tokens)}
    files = [file for file in found.values() if file]
    if lost := [token for token, file in found.items() if not file]:
        gone = sent_message_file(session, lost[0], by=by, at_any_age=True)
        raise MessageError(_lost(gone.name if gone else ""))
    if len(files) > MOST_FILES:
        words = f"The message has {len(files)} files; the limit is {MOST_FILES}."
        raise MessageError(f"{words} Send it in parts.")
    _keep(files)
    return files


def repeated_message_files(session: Session, tokens: Iterable[str], *, by: User) -> list[File]:
    """Return the files of a message that is sent again, which are stored already.

    Tokens may have expired since the message was sent first.
    """
    found = (sent_message_file(session, token, by=by, at_any_age=True) for token in tokens)
    return [file for file in found if file]


def find_message_file(message: Message, digest: str) -> File | None:
    """Return the file of a message whose content has this digest, or None."""
    return next((file for file in message.files if file.digest == digest), None)


def _keep(files: Sequence[File]) -> None:
    try:
        keep_uploads(files)
    except FileGoneError as error:
        lost = next(file for file in files if file.digest == error.digest)
        raise MessageError(_lost(lost.name)) from None


def _lost(name: str) -> str:
    if not name:
        return "One of the files isn't stored any more. Choose all files again."
    return f"The file “{name}” isn't stored any more. Choose it again."


def _salt(session: Session, by: User) -> str:
    return f"chat.message_files.{session.pk}.{by.pk}"
