"""Rules for programs that act with a person's token.

If a program opened a request with somebody's token, that person can't answer the request. A site
may allow the person to answer in a browser.
"""

import logging
from datetime import datetime
from uuid import UUID

from chat.channels.answers import Answer
from chat.models import HumanRequest, RequestEvent
from chat.models.history import HISTORY, new_event
from chat.models.rights import Right, askers_by_token
from procedures.engine.errors import EngineError
from procedures.store.rows import insert_row
from procedures.transactions import service_atomic
from procedures.users import User

logger = logging.getLogger(__name__)
IN_BROWSER = {"page", "chat", "api"}
"""The channels that people use in a browser, where they don't act with a token."""
OWN = "A program asked this with your token, so somebody else must answer it."
FINAL = "A token can't give an irreversible answer. Sign in, and answer it yourself."


class ProgramRefusedError(EngineError):
    """An answer that must be given by somebody else or without a token.

    Either a program opened the request with the person's token, or a program gives an irreversible
    answer.
    """


def right_of_answer(
    request: HumanRequest, answer: Answer, by: User, *, now: datetime
) -> Right | None:
    """Return the right by which `by` may give this answer, or None.

    The right depends on whether the answer comes from a browser or from a program with a token.
    Raises `ProgramRefusedError` if a program opened the request with the person's token, or if a
    program gives an irreversible answer.
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


@service_atomic
def note_refusal(request_id: UUID, answer: Answer, by: User, reason: str) -> None:
    """Log a refused answer, and note the refusal in the request's history.

    The history gets one entry for each person, token and reason, because a program can try again
    and again. Locks the run, then the request.
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
