"""The procedure `act_on_runs`, which performs an operation on all runs that matched a filter."""

from typing import Any, Literal
from uuid import UUID

from procedures.engine import Context, PublicError, Retry, procedure
from procedures.services import bulk

AGAIN = Retry(attempts=10, backoff="1s", max_backoff="1m")
GENERATION = 500
"""The number of batches after which the run continues as new, so that its replays stay short."""
Verb = Literal["cancel", "pause", "unpause", "retry", "force_end"]


class RightLostError(PublicError):
    """The person who started the operation may no longer perform it."""


def count(job: str) -> dict[str, int]:
    """Count the chosen runs; see `bulk.count_chosen`."""
    return bulk.count_chosen(UUID(job))


def act(job: str, verb: str, reason: str) -> dict[str, Any]:
    """Perform the operation on the next runs; see `bulk.act_on_batch`."""
    return bulk.act_on_batch(UUID(job), verb, reason)


def sum_up(job: str, verb: str, reason: str) -> dict[str, Any] | None:
    """Log what was done, once; see `bulk.sum_up`."""
    return bulk.sum_up(UUID(job), verb, reason)


@procedure(title="Operation on many runs", subject="{what}")
def act_on_runs(ctx: Context, what: str, verb: Verb, reason: str) -> dict[str, Any] | None:
    """Perform an operation on the runs that matched a filter when the operation was started.

    Operators start this procedure from a list of runs. It acts on one batch of runs after another.
    Before each batch, it checks that the person who started it may still operate these runs. `what`
    describes the filter. If the operation is cancelled or that person loses the right, the
    procedure stops before the next batch. However it ends, the site's log gets one entry that says
    how many runs were changed.
    """
    ctx.compensate(sum_up, ctx.run_id, verb, reason, retry=AGAIN)
    # Counted once for each generation: a count in each batch would look at all runs each time. A
    # worker that dies within a batch makes the progress count too few, until then.
    runs = ctx.step(count, ctx.run_id, retry=AGAIN)
    done, total = runs["done"], runs["total"]
    for _ in range(GENERATION):
        found = ctx.step(act, ctx.run_id, verb, reason, retry=AGAIN)
        if found["is_to_stop"]:
            ctx.sleep("1s")  # a run that was cancelled or paused opens no wait, but stops here
            continue
        if found["stopped"]:
            raise RightLostError(found["stopped"])
        done = total if found["is_over"] else min(done + found["done"], total)
        ctx.progress(done=done, total=total)
        if found["is_over"]:
            break
    else:
        ctx.continue_as_new(what=what, verb=verb, reason=reason)
    return ctx.step(sum_up, ctx.run_id, verb, reason, retry=AGAIN, transaction=True)
