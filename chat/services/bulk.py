"""Answers to several requests together, each in a transaction of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from uuid import UUID

from chat.access import visible_requests
from chat.channels.answers import Answer
from chat.models import HumanRequest
from chat.services.programs import ProgramRefusedError
from chat.services.responses import AlreadyAnsweredError, NotAskedError, respond
from procedures.engine.errors import AnswerError
from procedures.engine.lifecycle.refusals import OperationRefusedError
from procedures.users import User

MOST_AT_ONCE = 100


class BulkResult(StrEnum):
    """The result of one of the answers."""

    APPLIED = "applied"
    ALREADY_DECIDED = "already_decided"
    NEEDS_ATTENTION = "needs_attention"


@dataclass(frozen=True)
class BulkItem:
    """An answer to one of several requests."""

    request_id: UUID
    version: int
    """The version of the request that the person saw."""
    value: Any


@dataclass(frozen=True)
class BulkReport:
    """The result of one of the answers, with a sentence that says why if it wasn't applied."""

    request_id: UUID
    result: BulkResult
    message: str = ""


def answer_many(items: Sequence[BulkItem], *, by: User, answer: Answer) -> list[BulkReport]:
    """Answer each of the requests, and return a report on each answer, in the same order.

    `answer` holds what the answers share: the comment, the channel, the address and the program. An
    answer isn't applied, and its request needs attention, if the request has changed since the
    person saw it, or no longer waits for the person. The same is true if the answer couldn't be
    undone, or lacks a required comment.
    """
    return [_answer_one(item, by, answer) for item in items]


def _answer_one(item: BulkItem, by: User, answer: Answer) -> BulkReport:
    found = visible_requests(by).filter(pk=item.request_id).first()
    if found is None:
        return _attention(item, "Not found, or you don't have access.")
    if words := _needs_attention(found, item):
        return _attention(item, words)
    given = replace(answer, value=item.value)
    try:
        respond(found.pk, given, by=by)
    except AlreadyAnsweredError as error:
        return BulkReport(item.request_id, BulkResult.ALREADY_DECIDED, str(error))
    except (AnswerError, NotAskedError, OperationRefusedError, ProgramRefusedError) as error:
        return _attention(item, str(error))
    return BulkReport(item.request_id, BulkResult.APPLIED)


def _needs_attention(request: HumanRequest, item: BulkItem) -> str:
    """Return a sentence that says why a request must be answered separately, or "".

    Also return "" for a closed request, because its answer is then reported as already decided.
    """
    if not request.is_open:
        return ""
    if request.asked.irreversible:
        return "An answer to this request can't be undone, so answer it separately."
    if request.version != item.version:
        return "The request has changed since it was shown. Look at it, and answer it separately."
    return ""


def _attention(item: BulkItem, reason: str) -> BulkReport:
    return BulkReport(item.request_id, BulkResult.NEEDS_ATTENTION, reason)
