"""Files of answers, which a person sends before the answer.

The answer then contains a signed token for each file.
"""

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
    """An answer with a file that isn't stored any more; `digest` is the digest of the file."""

    def __init__(self, file: File, value: Any) -> None:
        self.digest = file.digest
        # A value that isn't an object has no fields that could be marked.
        faults = lost_faults(file.digest, value) if isinstance(value, dict) else []
        super().__init__(lost_sentence(file), faults)


def token_of(request: HumanRequest, file: File, *, by: User) -> str:
    """Return a token for a stored file.

    The token is valid only for this person and this request, and for the time `UPLOADS_KEPT`.
    """
    # The token is signed for this person and this request. Otherwise, anybody could send the digest
    # of somebody else's file, and read that file.
    return signing.dumps(asdict(file), salt=_salt(request, by))


def uploaded(request: HumanRequest, token: object, *, by: User) -> File | None:
    """Return the file for which a token stands, or None.

    The result is None if the token is too old, or was made for another person or request.
    """
    found = sent_file(request, token, by=by)
    return found if isinstance(found, File) else None


def sent_file(request: HumanRequest, token: object, *, by: User) -> File | ExpiredUpload | None:
    """Return the file for which a token stands, or an `ExpiredUpload` if the token is too old.

    Return None if `token` is no token, or was made for another person or request.
    """
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
    """Return an answer's value with files in place of their tokens.

    Everything else in the value stays as it is. A token that is too old becomes an `ExpiredUpload`,
    which the check of the answer refuses. `question` is the request's question.
    """
    schema = question.schema
    if not takes_files(schema):
        return value
    return changed_files(value, schema, lambda one: sent_file(request, one, by=by) or one)


def find_file(request: HumanRequest, digest: str) -> File | None:
    """Return the file with this digest that the request shows or was answered with, or None.

    Only files of the request's run and of its children are found. Otherwise, anybody who knows a
    digest could write it into an answer, and would get another run's file.
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
