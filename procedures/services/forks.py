"""New runs made from earlier ones, which stay as they are."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from procedures import journal
from procedures.engine.files import File, file_desk
from procedures.engine.journal import Draft, EventKind
from procedures.files import ContentStore
from procedures.models import Run
from procedures.services.operations import checked_reason
from procedures.services.runs import Start, files_in, find_startable


def restart_run(
    run_id: UUID,
    *,
    by: User,
    reason: str,
    inputs: Mapping[str, Any] | None = None,
    idempotency_key: str = "",
) -> tuple[Run, bool]:
    """Start a run anew, whatever became of it; the same key gives the same run, and False.

    `inputs`: those that are other ones now. The code is what it is today, the starter is `by`;
    nothing of what the earlier run did is known to the new one.
    """
    origin = Run.objects.select_related("procedure").get(pk=run_id)
    reason = checked_reason(reason)
    definition = find_startable(origin.procedure.name, by=by)
    with file_desk(ContentStore()):
        parsed = definition.revise(origin.inputs, inputs or {})
    start = Start(definition, definition.dump(parsed), by, idempotency_key, origin)
    said = {
        "action": "restart",
        "by": by.get_username(),
        "reason": reason,
        "from": str(origin.pk),
        "changed_inputs": sorted(inputs or ()),
    }
    note = Draft(EventKind.OPERATOR, name="restart", data=said)
    files = [*files_in(parsed), *kept_files(origin, start.inputs)]
    return start.begin(lambda run: journal.begin_run(run, note), files)


def kept_files(run: Run, text: str) -> list[File]:
    """Those of its files that a text names."""
    return [file.as_file() for file in run.artifacts.all() if file.digest in text]
