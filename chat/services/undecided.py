"""Votes that can't decide their request any more, because too few people are left to vote.

The operators get an alert, and the request's note says so. This is checked at each vote, and
regularly by the clock process, because voters can leave in the meantime.
"""

from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from chat.doorbell import ring_after_commit
from chat.models import HumanRequest, HumanResponse
from chat.models.session import record
from chat.services.strays import ALONE, LARGEST_PASS, alert_operators
from chat.services.voting import Ballot, ballot_on, is_stuck
from procedures.models.clock import clock
from procedures.services import lock_run, serve_each

STUCK = (
    "The votes can't decide any more, because too few of the people asked are left to vote. "
    "Reassign the request."
)


def note_stuck_votes() -> None:
    """Renew the notes of open requests with votes. Calling it twice is harmless.

    A call looks at no more than `LARGEST_PASS` requests, which are chosen at random.
    """
    votes = HumanResponse.objects.filter(request=OuterRef("pk"), undone_at=None).order_by()
    voted = HumanRequest.objects.open().filter(Exists(votes) | Q(note__contains=STUCK))
    found = voted.filter(quorum__gt=1).exclude(note=ALONE).order_by("?")
    serve_each(found.values_list("pk", flat=True)[:LARGEST_PASS], _look, name="Request")


def _look(request_id: UUID) -> None:
    """Renew one request's note; lock the run, then the request, then the session."""
    # Most requests need no change, and then nothing is locked.
    request = HumanRequest.objects.open().filter(pk=request_id).first()
    if request is None or not _is_outdated(request, ballot_on(request)):
        return
    run = lock_run(request.wait.run_id)
    request = HumanRequest.objects.open().select_for_update().filter(pk=request_id).first()
    if request and renew_note(request, ballot_on(request), now=clock.now()):
        record(request.session_id, "request", request.pk, whom=request.assignees)
        ring_after_commit(f"run:{run.pk}")


def renew_note(request: HumanRequest, ballot: Ballot, *, now: datetime) -> bool:
    """Make the note of a locked request say if its votes can't decide any more.

    `ballot` is the request's ballot. Other parts of the note are kept. If the note now says it, the
    operators get an alert. Returns True if the note has changed.
    """
    if not _is_outdated(request, ballot):
        return False
    if STUCK in request.note:
        request.drop_note(without_stuck(request.note))
        return True
    request.ask_too([], note=f"{request.note} {STUCK}".strip(), notify_at=None)
    alert_operators(request, why=STUCK, now=now)
    return True


def without_stuck(note: str) -> str:
    """Return a request's note without the sentence about votes that can't decide."""
    return " ".join(part.strip() for part in note.split(STUCK) if part.strip())


def _is_outdated(request: HumanRequest, ballot: Ballot) -> bool:
    if request.note == ALONE:  # the note already says that nobody can be asked
        return False
    return is_stuck(request, ballot.question, ballot.votes) != (STUCK in request.note)
