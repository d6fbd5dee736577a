"""Problems that keep the site from working, in sentences that tell operators how to fix them."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Literal
from uuid import UUID

from procedures import dispatch, registry
from procedures.engine.journal.events import RunStatus
from procedures.models import Installation, Run
from procedures.models.clock import clock
from procedures.services.carriers import Code, long_queued, stranded
from procedures.services.installation import store_complaint, why_held

logger = logging.getLogger(__name__)
MOST_SLOTS = 200
MOST_FAULTS = 10
"""The maximum number of broken procedure files that are listed together."""
SCHEDULER = "The scheduler (clock process)"
DELAYED = "Timers, deadlines, email and the recovery of lost runs are delayed."
START_IT = "Start it: celery -A dashboard worker -Q clock --pool=solo."
WORKER = "celery -A dashboard worker -Q runs."
ABSENT_AFTER = timedelta(minutes=1)
"""The time that a run must have been queued before missing reports from workers are a problem."""


@dataclass(frozen=True)
class Complaint:
    """A part of the site that fails, and a sentence about the failure."""

    part: Literal["copy", "files", "clock", "messages", "workers", "code", "notifications"]
    message: str


sources: list[Callable[[], Iterable[Complaint]]] = []
"""Functions of other packages, such as the chat, that return further complaints."""


def complaints(
    *,
    now: datetime | None = None,
    missing: Mapping[Code, str] | None = None,
    working: "Sequence[Slot] | None" = None,
) -> list[Complaint]:
    """Check each part of the site now, and return the problems; [] if nothing is wrong.

    `now` is the current time, `missing` the result of `stranded`, and `working` that of `slots`.
    Arguments that aren't given are read from the clock and the database.
    """
    found, now, site = list[Complaint](), now or clock.now(), Installation.current()
    if held := why_held(site):
        found.append(Complaint("copy", held))
    if lost := store_complaint(site):
        found.append(Complaint("files", lost))
    if silent := clock_complaint(site, now):
        found.append(Complaint("clock", silent))
    if fault := dispatch.fault():
        message = f"{fault} Meanwhile, workers look for queued runs every {dispatch.LOOK_EVERY} s."
        found.append(Complaint("messages", message))
    # The workers of a copy, or of a site without its file store, report nothing, because they may
    # claim nothing.
    complaints_found = [
        stuck_complaint(slots(now) if working is None else working),
        "" if held or lost or fault else absence_complaint(now),
    ]
    found += [Complaint("workers", words) for words in complaints_found if words]
    found += [Complaint("code", str(fault)) for fault in registry.faults()[:MOST_FAULTS]]
    reasons = dict.fromkeys((stranded(now) if missing is None else missing).values())
    found += [Complaint("code", f"Runs stay queued: {words}") for words in reasons]
    if names := registry.unregistered():
        words = f"The code for these procedures was never registered: {', '.join(names)}."
        remedy = "Run `manage.py migrate`, then restart the workers."
        found.append(Complaint("code", f"{words} {remedy}"))
    return [*found, *chain.from_iterable(source() for source in sources)]


@dataclass(frozen=True)
class Slot:
    """A run that a worker is working on."""

    run: UUID
    procedure: str
    since: datetime | None
    """The time at which the code last called the engine, or at which the current step began."""
    step: str
    """The key of the step that is running; "" between steps."""
    is_stuck: bool


def slots(now: datetime | None = None) -> list[Slot]:
    """Return the runs that workers are working on, ordered by the time of their last sign of life.

    The run whose code has been silent longest is the first.
    """
    now = now or clock.now()
    held = Run.objects.filter(status=RunStatus.RUNNING).select_related("procedure")
    return [
        Slot(run.pk, run.procedure.name, run.reached_at, run.working_on, run.is_silent(now))
        for run in held.order_by("reached_at", "pk")[:MOST_SLOTS]
    ]


def stuck_complaint(working: Iterable[Slot]) -> str:
    """Return a sentence about runs that occupy workers because their code is stuck, or ""."""
    stuck = [slot for slot in working if slot.is_stuck]
    if not stuck:
        return ""
    named = ", ".join(
        f"{one.procedure} {str(one.run)[-8:]} (since {one.since:%H:%M})" for one in stuck
    )
    if len(stuck) == 1:
        return f"1 run is stuck and occupies a worker: {named}. Cancel it, or use “End at once”."
    return (
        f"{len(stuck)} runs are stuck, each occupying a worker: {named}. Cancel them, or use"
        " “End at once”."
    )


def absence_complaint(now: datetime) -> str:
    """Return a sentence if runs have been queued for a minute and no worker seems to be running.

    Otherwise, the sentence is "".
    """
    waiting = Run.objects.queued().filter(queued_at__lte=now - ABSENT_AFTER)
    if not waiting.exists() or dispatch.reported_codes():
        return ""
    # A busy worker keeps its lease, even if Redis was restarted and has lost the worker's report.
    if Run.objects.filter(status=RunStatus.RUNNING, leased_until__gt=now).exists():
        return ""
    return f"No worker is taking queued runs. Start one: {WORKER} If one is running, see its log."


def clock_complaint(site: Installation | None = None, now: datetime | None = None) -> str:
    """Return a sentence if no clock process handles timers and lost runs; "" while one runs."""
    silence = (site or Installation.current()).silence(now or clock.now())
    if silence is None:
        return ""
    if not silence:
        return f"{SCHEDULER} hasn't run since this site was set up. {DELAYED} {START_IT}"
    return f"{SCHEDULER} hasn't run for {_length(silence)}. {DELAYED} {START_IT}"


def why_queued(run: Run, *, now: datetime) -> str:
    """Return why the run stays queued, or "" if the only reason is that workers are busy."""
    if run.queued_at is None or now - run.queued_at < long_queued():
        return ""
    stuck = Run.objects.silent(now).count()
    held = f"Stuck runs occupy {stuck} workers. An operator can end them."
    if stuck == 1:
        held = "A stuck run occupies a worker. An operator can end it."
    return dispatch.fault() or (held if stuck else "")


class Warner:
    """A check by which a worker logs a warning once a minute while no clock process is running."""

    every = 60
    """Seconds between two warnings."""

    def __init__(self) -> None:
        self._said_at: float | None = None

    def look(self) -> None:
        words, now = clock_complaint(), time.monotonic()
        if not words:
            self._said_at = None
        elif self._said_at is None or now - self._said_at >= self.every:
            self._said_at = now
            logger.warning(words)


warner = Warner()


def _length(silence: timedelta) -> str:
    seconds = int(silence.total_seconds())
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 2 * size:
            return f"{seconds // size} {name}s"
    return f"{seconds} seconds"
