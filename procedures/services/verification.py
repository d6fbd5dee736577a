"""Verification of the whole site by a run of `verify_site`: all journals, all rows and the log."""

import time
from datetime import datetime
from datetime import time as time_of_day
from typing import Any
from uuid import UUID

from django.utils import timezone

from procedures.conf import conf
from procedures.engine.journal.events import RunStatus
from procedures.engine.values import canonical
from procedures.library import VERIFY_SITE
from procedures.models import Act, LogHead, Procedure, Run
from procedures.models.act import counted, log_act, verify_log
from procedures.models.clock import clock
from procedures.models.run_queries import RunQuerySet
from procedures.services.jobs import find_job
from procedures.services.known import Known, known_after
from procedures.services.ledger import examine, examine_site
from procedures.services.runs import start_found
from procedures.store.named_locks import lock_name
from procedures.transactions import service_atomic
from procedures.users import User

MOST_FAULTS = 20
"""The maximum number of faults that the result describes; all of them are counted."""
LONGEST_FAULT = 300
"""The maximum number of characters of a described fault."""
BATCH = 200
"""The maximum number of runs that one step verifies."""
LONGEST_STEP = 5.0
"""Seconds after which a step verifies no further run."""
Fault = dict[str, str]
"""A fault: a sentence in `words`, and in `run` the id of the run, or "" for a row of no run."""


def verifications() -> RunQuerySet:
    """Return the runs that verify or have verified the site, the newest first."""
    # The key first: an index finds the runs of a procedure by its key. Through a joined name,
    # PostgreSQL might read all runs, the newest first, until it finds one.
    keys = list(Procedure.objects.filter(name=VERIFY_SITE).values_list("pk", flat=True))
    return Run.objects.filter(procedure__in=keys).order_by("-pk")


def at_work() -> Run | None:
    """Return the verification that is in progress or paused, or None."""
    return verifications().unended().exclude(status=RunStatus.QUARANTINED).first()


def last_result() -> tuple[Run, dict[str, Any]] | None:
    """Return the newest verification that has ended with a result, and the result; or None."""
    run = verifications().filter(status=RunStatus.SUCCEEDED).first()
    return (run, canonical.plain(run.result)) if run and run.result else None


def verify_soon(*, by: User | None, key: str = "") -> tuple[Run, bool]:
    """Start a verification; return its run with True, or the run of a current one with False.

    `by` is None if the clock process starts it. The caller has checked that the person may verify
    the site. A quarantined verification isn't current: it would keep others from starting until
    somebody looks at it.
    """
    with service_atomic:
        lock_name("verification")  # whoever starts one at the same moment waits, and then finds it
        if run := at_work():
            return run, False
        started = start_found(find_job(VERIFY_SITE, by=by, idempotency_key=key), {})
        return started.run, started.is_new


def verify_when_due() -> Run | None:
    """Start today's verification if its time has come; return its run, or None if it isn't due.

    The time is `VERIFY_AT`, in the time zone of the site. If the clock process wasn't running then,
    the verification starts as soon as the process runs on the same day. A site that was set up
    after that time waits for the next day.
    """
    due = due_today()
    now = clock.now()
    if due is None or now < due:
        return None
    key = f"{due:%Y-%m-%d}"
    if verifications().filter(started_by=None, idempotency_key=key).exists():
        return None
    first = Act.objects.order_by("pk").values_list("at", flat=True).first()
    if first is None or first > due:
        return None
    run, is_new = verify_soon(by=None, key=key)
    return run if is_new else None


def due_today() -> datetime | None:
    """Return today's time of the verification, or None if `VERIFY_AT` turns it off."""
    if not conf.VERIFY_AT:
        return None
    at = time_of_day.fromisoformat(conf.VERIFY_AT)
    today = timezone.localtime(clock.now())
    return today.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)


def count_runs(job: UUID) -> int:
    return Run.objects.filter(pk__lt=job).count()


def verify_next(job: UUID, after: str, *, size: int = BATCH) -> dict[str, Any]:
    """Verify the journals, rows and requests of the next `size` runs that are older than the job.

    Returns the id of the last one in `after`, or "" if no more runs are left, how many were `seen`
    and how many of them are `broken`, and the first `faults`. `after` is the id at which the
    last step stopped, or "".
    """
    runs = Run.objects.select_related("procedure").filter(pk__lt=job).order_by("pk")
    rest = runs.filter(pk__gt=after) if after else runs
    ends_at = time.monotonic() + LONGEST_STEP
    seen, broken, faults = 0, 0, list[Fault]()
    for run in rest[:size]:
        found = examine(run).faults
        seen, broken, after = seen + 1, broken + bool(found), str(run.pk)
        faults += [_fault(f"{run}: {words}", run.pk) for words in found]
        if time.monotonic() > ends_at:
            break
    is_over = not seen or not rest.filter(pk__gt=after).exists()
    return {
        "after": "" if is_over else after,
        "seen": seen,
        "broken": broken,
        "count": len(faults),
        "faults": faults[:MOST_FAULTS],
    }


def verify_the_rest(job: UUID) -> dict[str, Any]:
    """Verify the rows that belong to no run, and the log; return the counts and the first faults.

    `entries` is the number of the log's entries. `known` is what the next verification compares
    with, to notice runs and entries that have disappeared.
    """
    rows = [_fault(words) for words in site_faults()]
    log = [_fault(f"Log: {words}") for words in log_faults()]
    return {
        "entries": LogHead.current().seq,
        "count": len(rows) + len(log),
        "faults": [*log, *rows][:MOST_FAULTS],
        "known": known_after(_known_before(), job).as_json(),
    }


def log_faults() -> list[str]:
    """Return the faults of the log, also if it was deleted since the last verification."""
    before = _known_before()
    return [*verify_log(), *(before.log.faults() if before else ())]


def site_faults() -> list[str]:
    """Return the faults of rows that belong to no run, and a fault if runs have disappeared."""
    before = _known_before()
    return [*map(str, examine_site()), *(before.runs.faults() if before else ())]


def _known_before() -> Known | None:
    found = last_result()
    kept = found[1].get("known") if found else None
    return Known.read(kept) if kept else None


def log_result(job: UUID, found: dict[str, Any]) -> None:
    """Add the result of a verification to the log."""
    run = Run.objects.select_related("procedure", "started_by").get(pk=job)
    log_act(Act.Kind.VERIFY, sentence(found), by=run.started_by or "system", about=run)


def sentence(found: dict[str, Any]) -> str:
    """Return the result of a verification as sentences, as the log keeps them."""
    entries = counted(found["entries"], "entry", "entries")
    extent = f"Verified {counted(found['runs'], 'run')} and {entries} of the log."
    if not (faults := found["count"]):
        return f"{extent} No faults were found."
    first = " ".join(one["words"] for one in found["faults"])
    faulty = f"Found {counted(faults, 'fault')}."
    if broken := found["broken"]:
        faulty += f" Runs with faults: {broken:,}."
    return f"{extent} {faulty} {first}".strip()


def _fault(sentence: str, run: UUID | None = None) -> Fault:
    is_long = len(sentence) > LONGEST_FAULT
    return {
        "words": sentence[: LONGEST_FAULT - 1] + "…" if is_long else sentence,
        "run": str(run or ""),
    }
