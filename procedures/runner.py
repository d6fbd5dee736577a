"""What a worker does with a run: claim it, keep the lease, carry it on, let go."""

import logging
from uuid import UUID

from procedures import dispatch, journal, registry
from procedures.engine.definition import Procedure
from procedures.engine.errors import Fenced, StorageLost
from procedures.engine.execute import advance
from procedures.files import ContentStore
from procedures.heart import heart
from procedures.journal import DatabaseJournal
from procedures.models.procedure import code_of_run

logger = logging.getLogger(__name__)


def advance_run(run_id: UUID) -> None:
    """Carry a run on until it waits or ends. Doubled, late and unknown messages are harmless."""
    definition = _code_for(run_id)
    if definition is None:
        return
    try:
        held = journal.claim(run_id)
        if held is not None:
            _carry_on(definition, held)
    except Fenced:
        logger.warning("Run %s: another worker has it now.", run_id)
    except StorageLost as lost:
        logger.warning("Run %s is left for later: %s", run_id, lost)


def _code_for(run_id: UUID) -> Procedure | None:
    """The code here that carries on this run, asked for with one query."""
    rows = code_of_run(run_id)
    if not rows:
        return None
    name, known = rows[0][0], [version for _, version in rows]
    definition = registry.find(name)
    if definition is None:
        logger.warning("Run %s stays queued: no code here is called %r.", run_id, name)
    elif registry.is_outdated(definition, known):
        logger.warning("Run %s is left to newer code of %r than is here.", run_id, name)
        return None
    return definition


def _carry_on(definition: Procedure, held: DatabaseJournal) -> None:
    with heart.beating_for(held):
        advance(definition, held, ContentStore())
    if held.is_queued_again:
        dispatch.ring(UUID(held.run.run_id))
