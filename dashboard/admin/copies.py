"""Admin actions that start new runs from the selected ones, or send them a signal."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from procedures.services import ForkPoint, Sent, fork_run, restart_run, signal_run
from procedures.users import User


def restarted(run_id: UUID, *, by: User, reason: str, inputs: dict[str, Any]) -> str:
    run, _is_new = restart_run(run_id, by=by, reason=reason, inputs=inputs)
    return _("This run stays as it is. The new run is {run}.").format(run=run)


def forked(run_id: UUID, *, by: User, reason: str, **parting: Any) -> str:
    run, _is_new = fork_run(run_id, ForkPoint(**parting), by=by, reason=reason)
    return _("This run stays as it is. The new run {run} continues from {place}.").format(
        run=run, place=run.forked_at
    )


def signalled(
    run_id: UUID, *, by: User, reason: str, signal_name: str, value: Any, key: str
) -> str:
    return signal_run(run_id, Sent(signal_name, key, value), by=by, reason=reason)
