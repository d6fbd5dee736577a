"""Rules for programs that call with somebody's token.

Whoever asked with a token can't answer that request, unless the site lets them do so in a browser.
"""

import logging
from datetime import datetime
from uuid import UUID

from django.db import transaction

from chat.channels.answers import Answer
from chat.models import HumanRequest, RequestEvent
from chat.models.history import HISTORY, new_event
from chat.models.rights import Right, askers_by_token
from procedures.engine.errors import EngineError
from procedures.store.rows import insert_row
from procedures.users import User

logger = logging.getLogger(__name__)
IN_BROWSER = {"page", "chat", "api"}
"""The channels that people use in a browser; an answer with a token comes from a program."""
OWN = "A program asked this with your token, so somebody else must answer it."
FINAL = "A token can't give an irreversible answer. Sign in, and answer it yourself."


class ProgramRefusedError(EngineError):
    """The answer must come from somebody else, because a program gives it or has asked."""


def right_of_answer(
    request: HumanRequest, answer: Answer, by: User, *, now: datetime
) -> Right | None:
    """Return the right by which somebody may give this answer, or None.

    The right depends on the channel and the token of the answer. Raises `ProgramRefusedError` if a
    program has asked with the person's token, or if an irreversible answer is given with a token.
    """
    is_in_browser = answer.channel in IN_BROWSER and not answer.program
    right = request.right_of(by, now=now, is_in_browser=is_in_browser)
    if right is None:
        if by.pk in askers_by_token(request):
            raise ProgramRefusedError(OWN)
        return None
    is_decision = request.is_open and not answer.asks_back
    if answer.program and is_decision and request.asked.irreversible:
        raise ProgramRefusedError(FINAL)
    return right


@transaction.atomic
def note_refusal(request_id: UUID, answer: Answer, by: User, reason: str) -> None:
    """Log a refused answer, and note it in the request's history.

    It is noted once for each person, token and reason, because a program may try again and again.
    Locks the run, then the request.
    """
    program = f"the token {answer.program} of " if answer.program else ""
    logger.warning("Refused an answer to %s by %s%s: %s", request_id, program, by, reason)
    HumanRequest.objects.lock_run_of(request_id)
    request, now = HumanRequest.objects.lock(request_id)
    earlier = request.events.filter(kind=RequestEvent.Kind.REFUSED, user=by)
    noted = [(one.content.get("program", ""), one.content["reason"]) for one in earlier]
    if (answer.program, reason) in noted:
        return
    facts = {
        "channel": answer.channel,
        "address": answer.address,
        "program": answer.program,
        "reason": reason,
    }
    insert_row(new_event(request, RequestEvent.Kind.REFUSED, at=now, by=by, facts=facts))
    request.save(update_fields=HISTORY)
