"""The files of an answer, stored for good before anything is locked."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from chat.channels.answers import Answer
from chat.models import HumanRequest
from chat.services.recording import check_answer
from chat.services.uploads import LostFileError, uploaded, with_uploads
from procedures.engine.errors import AnswerError, FileGoneError
from procedures.engine.values.attachments import files_in
from procedures.engine.values.files import File
from procedures.files import keep_uploads
from procedures.models import Artifact
from procedures.users import User


def with_stored_files(request_id: UUID, answer: Answer, *, by: User) -> Answer:
    """Return the answer with its files in place of their tokens, and store their contents for good.

    Call it before the transaction that records the answer: storing takes long, and contents that no
    run uses do no harm. Files of an answer that doesn't fit aren't stored, since it is refused
    under the locks, too. Raises `LostFileError`.
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
    """Return True if there is a file or a token in a value; reads no row, as few answers do."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, File) or uploaded(request, one, by=by):
            return True
        if isinstance(one, dict | list):
            left += one.values() if isinstance(one, dict) else one
    return False
