"""Files that people send before they answer; in the answer, a signed token stands for each."""

import re
from dataclasses import asdict
from typing import Any

from django.core import signing
from django.db.models import Q

from chat.models import HumanRequest
from procedures.conf import conf
from procedures.engine.errors import AnswerError
from procedures.engine.kinds.questions import Question
from procedures.engine.values.attachments import ExpiredUpload, changed_files, takes_files
from procedures.engine.values.files import File
from procedures.models import Artifact
from procedures.services import lost_faults, lost_sentence
from procedures.users import User

DIGEST = re.compile("[0-9a-f]{64}")


class LostFileError(AnswerError):
    """A file of an answer isn't stored any more; `digest` is the file's digest."""

    def __init__(self, file: File, value: Any) -> None:
        self.digest = file.digest
        # A value that isn't an object has no fields that could be marked.
        faults = lost_faults(file.digest, value) if isinstance(value, dict) else []
        super().__init__(lost_sentence(file), faults)


def token_of(request: HumanRequest, file: File, *, by: User) -> str:
    """Return the token of a stored file, which is valid for `UPLOADS_KEPT`."""
    # The token is signed for this person and this request. Otherwise, anybody could send the digest
    # of somebody else's file, and read that file.
    return signing.dumps(asdict(file), salt=_salt(request, by))


def uploaded(request: HumanRequest, token: object, *, by: User) -> File | None:
    """Return the file that a token stands for, or None if the token isn't this person's."""
    found = sent_file(request, token, by=by)
    return found if isinstance(found, File) else None


def sent_file(request: HumanRequest, token: object, *, by: User) -> File | ExpiredUpload | None:
    """Return the same as `uploaded`, but an `ExpiredUpload` for a token that is too old."""
    if not isinstance(token, str):
        return None
    salt = _salt(request, by)
    try:
        return File(**signing.loads(token, salt=salt, max_age=conf.UPLOADS_KEPT))
    except signing.SignatureExpired:
        return ExpiredUpload(File(**signing.loads(token, salt=salt)).name)
    except signing.BadSignature:
        return None


def with_uploads(request: HumanRequest, question: Question, value: Any, *, by: User) -> Any:
    """Return an answer with the files in place of their tokens; other values are unchanged.

    A token that is too old becomes an `ExpiredUpload`, which the check of the answer refuses.
    `question` is the one that the request asks.
    """
    schema = question.schema
    if not takes_files(schema):
        return value
    return changed_files(value, schema, lambda one: sent_file(request, one, by=by) or one)


def find_file(request: HumanRequest, digest: str) -> File | None:
    """Return a file that the request shows or was answered with, or None.

    Only files of the run or of its children are found, because knowing a digest gives nobody a
    right to the file.
    """
    texts = [request.question, *request.responses.values_list("value", flat=True)]
    if not DIGEST.fullmatch(digest) or not any(digest in text for text in texts):
        return None
    run = request.wait.run_id
    own = Q(run=run) | Q(run__parent_wait__run=run)
    row = Artifact.objects.filter(own, digest=digest).order_by("-pk").first()
    return row.as_file() if row else None


def _salt(request: HumanRequest, by: User) -> str:
    return f"chat.uploads.{request.pk}.{by.pk}"
