"""Sentences about what an operation would do to a run, shown before it is performed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.models import HumanRequest
from dashboard.overview.endings import error_of
from dashboard.overview.operations import Name, failed_step
from dashboard.overview.words import Sentence, code, sentence
from procedures.engine.journal.events import RUN_ENDED, EventKind, RunStatus
from procedures.engine.lifecycle.runs import is_held, undone_since
from procedures.engine.replay.history import STRICT, UNDO
from procedures.models import Run, RunInput
from procedures.models.clock import clock

MOST_PLACES = 300
"""The maximum number of events, the newest ones, that are searched for fork points."""


@dataclass(frozen=True)
class OperationFacts:
    """Facts about a run that decide what an operation on the run would change."""

    run: Run
    is_held: bool
    """True if a worker is executing the run."""
    kept: int
    """The number of completed steps."""
    to_undo: int
    """The number of steps that a cancellation would undo."""
    questions: int
    """The number of open questions, including those of unfinished child runs."""
    withdrawn: int
    """The number of questions that were withdrawn because the run failed."""
    arrived: int
    """The number of answers that the run hasn't used yet."""
    children: int
    """The number of unfinished child runs that would end together with this run."""

    @classmethod
    def of(cls, run: Run) -> "OperationFacts":
        done = Q(kind=EventKind.STEP_SUCCEEDED) & ~Q(key__startswith=UNDO)
        since = Q(kind=EventKind.COMPENSATION, seq__gt=undone_since(run))
        found = run.events.filter(seq__gt=run.base_seq).aggregate(
            kept=Count("pk", filter=done), to_undo=Count("pk", filter=since)
        )
        below = Run.objects.filter(parent_wait__run=run, parent_wait__abandons=False).unended()
        children = list(below.order_by().values_list("pk", flat=True))
        asked = HumanRequest.objects.filter(wait__run=run, status="withdrawn", closed_by=RUN_ENDED)
        answers = RunInput.objects.filter(run=run, kind=EventKind.WAIT_CLOSED).untaken()
        return cls(
            run,
            is_held(run, clock.now()),
            questions=HumanRequest.objects.open().filter(wait__run__in=[run.pk, *children]).count(),
            withdrawn=asked.values("wait__key").distinct().count(),
            arrived=answers.count(),
            children=len(children),
            **found,
        )


@dataclass(frozen=True)
class ForkPlace:
    """A step or wait from which a run can be forked."""

    key: str
    kept: int
    """The number of steps that were completed before the place."""


def places_of(run: Run) -> list[ForkPlace]:
    """Return the steps and waits from which the run can be forked, the newest first.

    Only steps and waits outside branches are returned, from the run's newest `MOST_PLACES` events.
    """
    of_it = run.events.filter(seq__gt=run.base_seq, kind__in=STRICT).exclude(key__startswith=UNDO)
    newest = of_it.order_by("-seq").values_list("key", "kind")[:MOST_PLACES]
    before = of_it.filter(kind=EventKind.STEP_SUCCEEDED).count()
    places: dict[str, int] = {}
    for key, kind in newest:
        before -= kind == EventKind.STEP_SUCCEEDED
        place = key.split("/")[0]
        places.pop(place, None)  # a place's first event counts, and events come newest first
        places[place] = before
    return [ForkPlace(key, kept) for key, kept in places.items()]


def consequences(name: Name, now: OperationFacts, place: ForkPlace | None = None) -> list[Sentence]:
    """Return sentences about what an operation would do; `place` is the fork point of a fork."""
    if name == "fork":
        return _present([*_fork(place), _beside(now)])
    return _present(WORDS[name](now))


def _present(found: Sequence[Sentence | None]) -> list[Sentence]:
    return [one for one in found if one]


def _retry(now: OperationFacts) -> list[Sentence | None]:
    step, error = failed_step(now.run), error_of(now.run)
    again = sentence(_("The run continues from where it stopped."))
    if step:
        again = sentence(_("{step} is tried again."), step=code(step))
    elif error["type"] == "ChildFailedError":
        again = sentence(
            _("The failed child run is retried too. If it can't continue, a new one starts.")
        )
    asked = ngettext(
        "{count} question that was withdrawn is asked again.",
        "{count} questions that were withdrawn are asked again.",
        now.withdrawn,
    )
    is_asked = now.run.status == RunStatus.FAILED and now.withdrawn
    return [_kept(now), again, sentence(asked, count=now.withdrawn) if is_asked else None]


def _kept(now: OperationFacts) -> Sentence:
    words = ngettext(
        "{count} step is kept and isn't repeated.",
        "{count} steps are kept and aren't repeated.",
        now.kept,
    )
    return sentence(words if now.kept else _("No step had finished."), count=now.kept)


def _override(now: OperationFacts) -> list[Sentence | None]:
    return [
        sentence(_("The run continues with the code as it is now.")),
        _kept(now),
        sentence(_("Steps that are no longer in the code are skipped.")),
        sentence(_("A question that has changed is asked again.")),
    ]


def _pause(now: OperationFacts) -> list[Sentence | None]:
    busy = _("A worker is busy with the run. The run pauses before its next step or wait.")
    rests = _("The run does nothing until somebody resumes it.")
    open_ones = ngettext(
        "{count} open question can still be answered. The answer is stored.",
        "{count} open questions can still be answered. The answers are stored.",
        now.questions,
    )
    children = ngettext(
        "{count} child run continues.", "{count} child runs continue.", now.children
    )
    return [
        sentence(busy if now.is_held else rests),
        sentence(open_ones, count=now.questions) if now.questions else None,
        sentence(_("Deadlines aren't extended.")),
        sentence(children, count=now.children) if now.children else None,
    ]


def _unpause(now: OperationFacts) -> list[Sentence | None]:
    if now.run.status != RunStatus.PAUSED:
        return [sentence(_("The pending pause is withdrawn. The run continues as before."))]
    arrived = ngettext(
        "The run uses {count} answer that has arrived in the meantime.",
        "The run uses {count} answers that have arrived in the meantime.",
        now.arrived,
    )
    return [
        sentence(_("The run continues from where it stopped.")),
        sentence(arrived, count=now.arrived) if now.arrived else None,
    ]


def _cancel(now: OperationFacts) -> list[Sentence | None]:
    undone = ngettext("{count} step is undone.", "{count} steps are undone.", now.to_undo)
    stays = ngettext(
        "The effects of {count} finished step aren't undone.",
        "The effects of {count} finished steps aren't undone.",
        now.kept,
    )
    children = ngettext(
        "{count} child run is cancelled too.",
        "{count} child runs are cancelled too.",
        now.children,
    )
    work = sentence(undone, count=now.to_undo) if now.to_undo else None
    if not now.to_undo and now.kept:
        work = sentence(stays, count=now.kept)
    return [
        _busy(
            now,
            _("{step} will still finish, then the run ends."),
            _("The run ends before its next step."),
        ),
        _withdrawn(now),
        work,
        sentence(children, count=now.children) if now.children else None,
        sentence(_("A cancelled run can't continue. It can only be forked or restarted.")),
    ]


def _busy(now: OperationFacts, named: str, unnamed: str) -> Sentence | None:
    if not now.is_held:
        return None
    step = now.run.working_on
    return sentence(named, step=code(step)) if step else sentence(unnamed)


def _withdrawn(now: OperationFacts) -> Sentence | None:
    words = ngettext(
        "{count} open question is withdrawn.",
        "{count} open questions are withdrawn.",
        now.questions,
    )
    return sentence(words, count=now.questions) if now.questions else None


def _force_end(now: OperationFacts) -> list[Sentence | None]:
    left = ngettext(
        "{count} step that a cancellation would undo stays as it is.",
        "{count} steps that a cancellation would undo stay as they are.",
        now.to_undo,
    )
    children = ngettext(
        "{count} child run ends at once too.", "{count} child runs end at once too.", now.children
    )
    return [
        sentence(_("The run ends at once, whatever it is doing.")),
        _busy(
            now,
            _("{step} may still take effect, but its result won't be stored."),
            _("The step in progress may still take effect, but its result won't be stored."),
        ),
        sentence(left, count=now.to_undo) if now.to_undo else None,
        _withdrawn(now),
        sentence(children, count=now.children) if now.children else None,
    ]


def _restart(now: OperationFacts) -> list[Sentence | None]:
    again = ngettext(
        "{count} step runs again, and people are asked again.",
        "{count} steps run again, and people are asked again.",
        now.kept,
    )
    return [
        sentence(_("A new run starts from the beginning, with the same inputs.")),
        sentence(again, count=now.kept) if now.kept else None,
        _beside(now),
    ]


def _fork(place: ForkPlace | None) -> list[Sentence | None]:
    begins = sentence(_("A new run starts. All that was done before the chosen step is kept."))
    if place:
        words = ngettext(
            "A new run starts at {step}. {count} step before it is kept.",
            "A new run starts at {step}. {count} steps before it are kept.",
            place.kept,
        )
        begins = sentence(words, step=code(place.key), count=place.kept)
    return [begins, sentence(_("That step and everything after it run again."))]


def _beside(now: OperationFacts) -> Sentence:
    """Return a sentence about the old run when a restart or a fork starts a new one."""
    if RunStatus(now.run.status).is_end:
        return sentence(_("This run stays as it is."))
    return sentence(_("This run continues too. Cancel it if you don't need both."))


WORDS: dict[Name, Callable[[OperationFacts], list[Sentence | None]]] = {
    "retry": _retry,
    "override": _override,
    "pause": _pause,
    "unpause": _unpause,
    "cancel": _cancel,
    "force_end": _force_end,
    "restart": _restart,
}
