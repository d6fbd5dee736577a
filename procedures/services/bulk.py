"""Operations on all runs that match a filter, performed batch by batch by a run of `act_on_runs`.

The runs that match when somebody starts the operation are stored as rows, so that a run that
matches later isn't touched, and each run is acted on once, however often a worker dies.
"""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Case, CharField, Count, Exists, OuterRef, Q, QuerySet, Value, When

from procedures import access
from procedures.engine.errors import EngineError
from procedures.engine.journal.events import RunStatus
from procedures.engine.journal.large import whole
from procedures.engine.replay.history import UNDO
from procedures.engine.values import canonical
from procedures.engine.values.files import use_file_store
from procedures.files import ContentStore
from procedures.journal.storage import AWAY
from procedures.library import ACT_ON_RUNS, JOBS
from procedures.models import Act, ChosenRun, Event, Procedure, Run
from procedures.models.act import counted, log_act
from procedures.models.clock import clock
from procedures.models.run_queries import RunQuerySet
from procedures.services.jobs import find_job
from procedures.services.operations import (
    cancel_run,
    checked_reason,
    force_end_run,
    pause_run,
    unpause_run,
)
from procedures.services.passes import serve_each
from procedures.services.retries import retry_run
from procedures.services.runs import KeyReusedError, start_found
from procedures.transactions import service_atomic
from procedures.users import User, active_users

logger = logging.getLogger(__name__)
VERBS: Mapping[str, Callable[..., str]] = {
    "cancel": cancel_run,
    "pause": pause_run,
    "unpause": unpause_run,
    "retry": retry_run,
    "force_end": force_end_run,
}
ENDING = frozenset({"cancel", "force_end"})
"""The verbs that end the child runs, too."""
DOWNWARD = ENDING | {"retry"}
"""The verbs that also take effect on child runs."""
WORDS: Mapping[str, tuple[str, str]] = {
    "cancel": ("Cancel", "Cancelled"),
    "pause": ("Pause", "Paused"),
    "unpause": ("Resume", "Resumed"),
    "retry": ("Retry", "Retried"),
    "force_end": ("End at once", "Ended at once"),
}
"""The words for each operation: in the subject of the run that performs it, then in the log."""
BATCH = 25
"""The number of runs on which one step acts.

After a worker has died, no more than that is repeated. The job counts as poison only if three
workers in a row die within one batch.
"""
AT_ONCE = 1_000
"""The number of rows that one query inserts."""
LONGEST_SUBJECT = 200
MOST_REASONS = 20
"""The maximum number of different refusals that a summary lists."""
ENDED = Q(status__in=[one for one in RunStatus if one.is_end])
FAILED = Q(status__in=[RunStatus.FAILED, RunStatus.QUARANTINED])
CAN = "can"
UNEXPECTED = "An unexpected error occurred. The log of the worker describes it."


class NothingMatchesError(EngineError):
    """No run matches the filter, so there is nothing to do."""

    def __init__(self) -> None:
        super().__init__("No run that you may operate matches now. Nothing was started.")


@dataclass(frozen=True)
class Forecast:
    """The expected effect of an operation on the runs that match now."""

    can: int
    """The number of runs on which the operation can be performed."""
    left: Mapping[str, int]
    """The number of other runs, by the reason why they stay as they are: "ended", "paused" …"""
    children: int = 0
    """The number of child runs that don't match and would end, too; each counts once."""

    @property
    def total(self) -> int:
        return self.can + sum(self.left.values())


@dataclass(frozen=True)
class Summary:
    """The result of an operation on many runs."""

    total: int = 0
    done: int = 0
    """The number of chosen runs on which the operation was performed, also through an ancestor."""
    refused: Mapping[str, int] = field(default_factory=dict)
    """The number of runs that stay as they are, by the reason."""
    untouched: int = 0
    """The number of runs that the operation hasn't reached because it was stopped."""

    def sentence(self, verb: str) -> str:
        """Return a sentence for the site's log."""
        sentences = [f"{WORDS[verb][1]} {self.done:,} of {counted(self.total, 'run')}."]
        for why, count in self.refused.items():
            sentences.append(
                f"{count:,} {'stays as it is' if count == 1 else 'stay as they are'}: {why}"
            )
        if self.untouched:
            left = counted(self.untouched, "run")
            sentences.append(f"The operation was stopped and didn't reach {left}.")
        return " ".join(sentences)


def operable_runs(user: User, verb: str) -> RunQuerySet:
    """Return the runs on which the user may perform the operation because of a role.

    The site's jobs aren't among them: a job that acts on many runs would otherwise act on itself.
    """
    return Run.objects.filter(procedure__in=_operable_procedures(user, verb))


def _operable_procedures(user: User, verb: str) -> QuerySet[Procedure]:
    roles: Any = ("operate", "cancel") if verb == "cancel" else ("operate",)
    return access.procedures_for(user, *roles).exclude(name__in=JOBS)


def forecast(runs: QuerySet[Run], verb: str) -> Forecast:
    """Return what the operation would do now; nothing is changed.

    The number of queries depends only on how deeply runs are nested, not on the number of runs or
    of their children.
    """
    chosen = runs.order_by()
    outcome = Case(*_exceptions(verb), default=Value(CAN), output_field=CharField())
    found = chosen.annotate(fate=outcome).values("fate").annotate(runs=Count("pk")).order_by("fate")
    counts = {one["fate"]: one["runs"] for one in found}
    children = _count_children(chosen, verb) if verb in ENDING and counts.get(CAN) else 0
    return Forecast(counts.pop(CAN, 0), counts, children)


def _exceptions(verb: str) -> list[When]:
    """Return the conditions under which an operation is refused, each with its name.

    They are the rules of the services that perform the operations.
    """
    is_held = Q(status=RunStatus.RUNNING, leased_until__gt=clock.now())
    undone = Event.objects.filter(
        run=OuterRef("pk"), seq__gt=OuterRef("base_seq"), key__startswith=UNDO
    )
    rules: dict[str, list[tuple[Any, str]]] = {
        "cancel": [(ENDED, "ended"), (is_held & ~Q(cancel_requested_at=None), "cancelling")],
        "force_end": [(ENDED, "ended")],
        "pause": [
            (ENDED, "ended"),
            (Q(status=RunStatus.PAUSED), "paused"),
            (Q(status=RunStatus.QUARANTINED), "quarantined"),
            (~Q(cancel_requested_at=None), "cancelling"),
            (is_held & ~Q(pause_requested_at=None), "pausing"),
        ],
        "unpause": [(Q(pause_requested_at=None), "not_paused")],
        "retry": [
            (~FAILED, "not_failed"),
            (Q(status=RunStatus.FAILED) & Q(Exists(undone.order_by())), "undone"),
        ],
    }
    return [When(condition, then=Value(name)) for condition, name in rules[verb]]


def _count_children(chosen: QuerySet[Run], verb: str) -> int:
    """Return how many unended descendants of the chosen runs would end with them.

    Each level of the trees takes one query. The search begins at the chosen runs and stops at other
    chosen ones, so no child is counted twice.
    """
    ends = chosen.exclude(ENDED).values("pk")
    # PostgreSQL compares each child with all chosen runs if it gets `NOT IN` and there are many.
    is_chosen = Exists(ends.filter(pk=OuterRef("pk")))
    level, count = ends, 0
    while True:
        below = Run.objects.filter(~is_chosen, parent_wait__run__in=level).order_by()
        if verb == "cancel":  # children that were started to outlive their parent continue
            below = below.filter(parent_wait__abandons=False)
        found = below.aggregate(runs=Count("pk"), alive=Count("pk", filter=~ENDED))
        if not found["runs"]:
            return count
        count, level = count + int(found["alive"]), below.values("pk")


def act_on_matching(
    runs: QuerySet[Run], verb: str, *, by: User, reason: str, which: str, key: str = ""
) -> Run:
    """Start the operation on exactly the runs that match now, and return the run that performs it.

    `runs` are runs that the person may operate, and `which` describes their filter. The runs are
    stored in the transaction of the start. If `key` was used before, returns the earlier run.
    Raises `NothingMatchesError` if no run matches, and `ReasonError`.
    """
    reason = checked_reason(reason)
    try:
        return _start(runs, verb, by=by, reason=reason, which=which, key=key)
    except (NothingMatchesError, KeyReusedError):
        # If a form was sent twice, the first operation may have changed which runs match.
        earlier = Run.objects.filter(procedure__name=ACT_ON_RUNS, started_by=by)
        if key and (run := earlier.filter(idempotency_key=key).first()):
            return run
        raise


@service_atomic
def _start(runs: QuerySet[Run], verb: str, *, by: User, reason: str, which: str, key: str) -> Run:
    total = runs.order_by().count()
    if not total:
        raise NothingMatchesError
    what = f"{WORDS[verb][0]} {counted(total, 'run')}: {canonical.legible(which)}"[:LONGEST_SUBJECT]
    found = find_job(ACT_ON_RUNS, by=by, idempotency_key=key)
    started = start_found(found, {"what": what, "verb": verb, "reason": reason})
    if started.is_new:
        _store(runs, started.run.pk)
    return started.run


def _store(runs: QuerySet[Run], job: UUID) -> None:
    # One statement reads all ids, so they are those of one moment, and a block of them at a time is
    # in memory.
    block = list[ChosenRun]()
    for pk in runs.order_by("pk").values_list("pk", flat=True).iterator(AT_ONCE):
        block.append(ChosenRun(job=job, run=pk))
        if len(block) == AT_ONCE:
            ChosenRun.objects.bulk_create(block)
            block.clear()
    ChosenRun.objects.bulk_create(block)


def count_chosen(job: UUID) -> dict[str, int]:
    """Return how many runs are `done`, and the `total`; this looks at all of them."""
    chosen = ChosenRun.objects.of(job)
    return chosen.aggregate(total=Count("pk"), done=Count("pk", filter=~Q(outcome="")))


def act_on_batch(job: UUID, verb: str, reason: str, *, size: int = BATCH) -> dict[str, Any]:
    """Perform the operation on the next `size` chosen runs, each in its own transaction.

    In the result, `done` is the number of runs that this call has handled, `is_over` is True if no
    run is left, and `stopped` says why the operation ends here, or is "". If the job was cancelled
    or paused, nothing is done and `is_to_stop` is True. The rights of the person who started the
    job are read again. Calling it twice is harmless. The time doesn't depend on how many runs were
    chosen.
    """
    batch = list(ChosenRun.objects.of(job).left()[:size])
    asked = ("started_by", "cancel_requested_at", "pause_requested_at")
    starter, to_end, to_pause = Run.objects.values_list(*asked).get(pk=job)
    by = active_users().filter(pk=starter).first()
    stopped = _why_denied(by, {one.run for one in batch}, verb)
    # The engine looks for that only once a second.
    is_to_stop = bool(to_end or to_pause)
    acts = by is not None and not (stopped or is_to_stop)
    if by and acts:
        for one in batch:
            _act(one.pk, verb, by=by, reason=reason)
    return {
        "done": len(batch) if acts else 0,
        "is_over": not ChosenRun.objects.of(job).left().exists(),
        "stopped": stopped,
        "is_to_stop": is_to_stop,
    }


def _why_denied(by: User | None, runs: Collection[UUID], verb: str) -> str:
    """Return why the person may not perform the operation on all of these runs, or ""."""
    if by is None:
        return "The account of the person who started this operation is no longer active."
    kept = Run.objects.filter(pk__in=runs).order_by()
    allowed = _operable_procedures(by, verb)
    lost = kept.exclude(procedure__in=allowed).values_list("procedure__title", flat=True)
    if not (titles := sorted(set(lost))):
        return ""
    return f"{by.get_username()} may no longer operate runs of {', '.join(titles)}."


@service_atomic
def _act(chosen: int, verb: str, *, by: User, reason: str) -> None:
    """Perform the operation on a chosen run, and record the outcome in the same transaction.

    Does nothing if the job has acted on the run already: a worker that was thought dead may act at
    the same time, and waits here for the lock on the row.
    """
    rows = ChosenRun.objects.select_for_update().filter(pk=chosen, outcome="")
    if (row := rows.first()) is None:
        return
    try:
        with service_atomic:
            VERBS[verb](row.run, by=by, reason=reason, job=row.job)
    except AWAY:  # the step is tried again
        raise
    except Run.DoesNotExist:
        row.close(ChosenRun.Outcome.REFUSED, "The run isn't there any more.")
    except EngineError as refusal:
        if verb in DOWNWARD and _was_done_with_parent(row, verb):
            row.close(ChosenRun.Outcome.WITH_PARENT)
        else:
            row.close(ChosenRun.Outcome.REFUSED, str(refusal))
    except Exception:
        # A run with an unreadable journal, for example, must not keep the others from their end.
        logger.exception("The operation %s failed on run %s.", verb, row.run)
        row.close(ChosenRun.Outcome.REFUSED, UNEXPECTED)
    else:
        row.close(ChosenRun.Outcome.DONE)


def _was_done_with_parent(row: ChosenRun, verb: str) -> bool:
    """Return True if this job has done the operation on this run together with an ancestor.

    An ancestor that had been cancelled before the job began doesn't count.
    """
    found = Run.objects.filter(pk=row.run).only("parent_wait")
    if verb in ENDING:
        began = Run.objects.filter(pk=row.job).values("created_at")
        found = found.filter(cancel_requested_at__gte=began)
    else:
        found = found.exclude(ENDED)
    if (run := found.first()) is None:
        return False
    done = ChosenRun.objects.of(row.job).filter(outcome=ChosenRun.Outcome.DONE)
    return done.filter(run__in=[*run.ids_above()]).exists()


def close_ended() -> None:
    """Log what ended jobs have done, if they couldn't do so themselves.

    These are jobs that were cancelled before their first step, or ended at once.
    """
    left = Exists(ChosenRun.objects.filter(job=OuterRef("pk")).order_by())
    ended = Run.objects.filter(ENDED, left, procedure__name=ACT_ON_RUNS).order_by("pk")
    serve_each(ended.values_list("pk", flat=True), _close, name="The summary of run")


def _close(job: UUID) -> None:
    run = Run.objects.lock(job)
    if not RunStatus(run.status).is_end:
        return
    with use_file_store(ContentStore()):
        given = canonical.plain(whole(run.inputs))
    sum_up(job, given["verb"], given["reason"])


@service_atomic
def sum_up(job: UUID, verb: str, reason: str) -> dict[str, Any] | None:
    """Log what the job has done as one entry, delete the `ChosenRun` rows, and return the summary.

    Returns None if this was done before.
    """
    run, chosen = Run.objects.lock(job), ChosenRun.objects.of(job)
    # A worker that was thought dead may still act on these runs. From now on, it finds none of
    # them, and a run on which it is acting right now is awaited and counted.
    untouched, _by_model = chosen.filter(outcome="").delete()
    found = _summary(chosen, untouched)
    if not found.total:
        return None
    by: Any = run.started_by or "system"
    words = f"{run.subject}. {found.sentence(verb)}"
    log_act(Act.Kind.VERB, words, by=by, about=run, reason=reason)
    chosen.delete()
    return asdict(found)


def _summary(chosen: QuerySet[ChosenRun], untouched: int) -> Summary:
    found = chosen.order_by().values_list("outcome", "words").annotate(runs=Count("pk"))
    by_outcome, refused = Counter[str](), Counter[str]()
    for outcome, words, count in found:
        by_outcome[outcome] += count
        if outcome == ChosenRun.Outcome.REFUSED:
            refused[words] += count
    first = dict(refused.most_common(MOST_REASONS))
    if others := refused.total() - sum(first.values()):
        first["For other reasons."] = others
    done = by_outcome[ChosenRun.Outcome.DONE] + by_outcome[ChosenRun.Outcome.WITH_PARENT]
    return Summary(by_outcome.total() + untouched, done, first, untouched)
