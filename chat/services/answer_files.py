"""Permanent storage of an answer's files, before anything is locked."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from chat.channels.answers import Answer
from chat.models import HumanRequest
from chat.services.recording import check_answer
from chat.services.uploads import LostFileError, sent_file, with_uploads
from procedures.engine.errors import AnswerError, FileGoneError
from procedures.engine.values.attachments import files_in
from procedures.engine.values.files import File
from procedures.files import keep_uploads
from procedures.models import Artifact
from procedures.users import User


def with_stored_files(request_id: UUID, answer: Answer, *, by: User) -> Answer:
    """Return the answer with stored files in place of tokens, after storing the files permanently.

    Call this function before the transaction that records the answer, because storing a file can
    take long. If that transaction then fails, the stored contents stay and do no harm. The files of
    an answer that doesn't fit the question aren't stored, because the transaction will refuse that
    answer. Raises `LostFileError` if the content of a file isn't stored any more.
    """
    if not _has_files(HumanRequest(pk=request_id), answer.value, by):
        return answer
    request = HumanRequest.objects.select_related("wait").get(pk=request_id)
    question = request.asked
    found = replace(answer, value=with_uploads(request, question, answer.value, by=by))
    try:
        check_answer(question, found)
    except AnswerError:
        return found
    files = {file.digest: file for file in files_in(found.value)}
    own = Artifact.objects.filter(run=request.wait.run_id, digest__in=files).order_by()
    try:
        keep_uploads(files[one] for one in files.keys() - set(own.values_list("digest", flat=True)))
    except FileGoneError as error:
        raise LostFileError(files[error.digest], found.value) from None
    return found


def _has_files(request: HumanRequest, value: Any, by: User) -> bool:
    """Return True if the value contains a file or a file's token, however deeply nested.

    The check reads nothing from the database, so that it costs little for the many answers without
    files.
    """
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, File) or sent_file(request, one, by=by):
            return True
        if isinstance(one, dict | list):
            left += one.values() if isinstance(one, dict) else one
    return False
