"""The runs of a session that read messages, and the runs that the viewer can stop."""

from collections.abc import Sequence
from typing import Any

from django.utils.text import Truncator
from django.utils.translation import gettext as _

from chat.parts import SessionPart
from dashboard.pages.taking_part import MOST_BESIDE
from procedures.access import HeldRoles
from procedures.engine.journal.events import RunStatus
from procedures.models import Run
from procedures.services.inbox import listening_among, listens, steers
from procedures.users import User

LONGEST_NAME = 90
WORKING = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.RETRYING)
CHOOSE = "choose"
"""The value of the composer's choice until the sender has chosen the run that reads the message."""


def newest_runs(part: SessionPart) -> list[Run]:
    keys = part.cards.order_by("-run").values("run")[:MOST_BESIDE]
    return list(Run.objects.filter(pk__in=keys).for_lists().order_by("-pk"))


def stoppable(user: User, runs: Sequence[Run]) -> list[Run]:
    """Return those of the runs that are queued, running or retrying and that the user may cancel.

    Runs that are being cancelled already are left out.
    """
    at_work = [run for run in runs if run.status in WORKING and run.cancel_requested_at is None]
    if not at_work:
        return []
    roles = HeldRoles(user, [run.procedure_id for run in at_work])
    return [run for run in at_work if roles.may_cancel(run)]


def listeners_of(part: SessionPart, runs: Sequence[Run]) -> dict[str, Any]:
    """Return template variables that say which of these runs read messages in the session.

    `listeners` contains the runs that read the viewer's messages, each with a label, and `steered`
    the ids of those whose work a message can interrupt. `others_read` contains the runs that read
    messages of other people only.
    """
    alive = [run for run in runs if not RunStatus(run.status).is_end and listens(run)]
    heard = listening_among(alive, part.user) if alive else []
    return {
        "listeners": [(run, _named(run)) for run in heard],
        "steered": [run.pk for run in heard if steers(run)],
        "others_read": [run for run in alive if run not in heard],
    }


def _named(run: Run) -> str:
    return _("To {run}").format(run=Truncator(run.heading).chars(LONGEST_NAME))
