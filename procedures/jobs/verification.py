"""The procedure `verify_site`, which verifies all journals, all rows and the log."""

from typing import Any
from uuid import UUID

from procedures.engine import Context, Retry, procedure
from procedures.services import verification

AGAIN = Retry(attempts=10, backoff="1s", max_backoff="1m")


def count_runs(job: str) -> int:
    """Return the number of runs to verify."""
    return verification.count_runs(UUID(job))


def verify_runs(job: str, after: str) -> dict[str, Any]:
    """Verify the next runs; see `verification.verify_next`."""
    return verification.verify_next(UUID(job), after)


def verify_the_rest(job: str) -> dict[str, Any]:
    """Verify the log, and the rows that belong to no run; see `verification.verify_the_rest`."""
    return verification.verify_the_rest(UUID(job))


def log_result(job: str, found: dict[str, Any]) -> None:
    """Add the result to the log; see `verification.log_result`."""
    verification.log_result(UUID(job), found)


@procedure(title="Verification of the whole site")
def verify_site(ctx: Context) -> dict[str, Any]:
    """Verify the journals and rows of all runs, their requests, and the site's log.

    The clock process starts this procedure once a day; auditors can also start it in the
    administration. It verifies the runs that are older than itself, some of them in each step. The
    result has the numbers of runs and of faults, and describes the first faults. The log gets one
    entry with the result, and operators are alerted to faults.
    """
    total, after = ctx.step(count_runs, ctx.run_id), ""
    whole: dict[str, Any] = {"runs": 0, "broken": 0, "count": 0, "faults": []}
    while True:
        part = ctx.step(verify_runs, ctx.run_id, after, retry=AGAIN)
        whole["runs"] += part["seen"]
        whole["broken"] += part["broken"]
        _add(whole, part)
        ctx.progress(done=whole["runs"], total=max(total, whole["runs"]))
        if not (after := part["after"]):
            break
    rest = ctx.step(verify_the_rest, ctx.run_id, retry=AGAIN)
    _add(whole, rest)
    whole |= {name: rest[name] for name in ("entries", "known")}
    ctx.step(log_result, ctx.run_id, whole, retry=AGAIN, transaction=True)
    if whole["count"]:
        ctx.alert(verification.sentence({**whole, "faults": []}).strip(), level="error")
    return whole


def _add(whole: dict[str, Any], part: dict[str, Any]) -> None:
    whole["count"] += part["count"]
    whole["faults"] = [*whole["faults"], *part["faults"]][: verification.MOST_FAULTS]
