"""Letting a run go on that had failed, or no longer fits its code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction

from procedures import dispatch, journal
from procedures.engine.journal.events import RunStatus
from procedures.engine.lifecycle.retries import Again, Fate, fate_of, taken_up
from procedures.engine.replay.history import UNDO
from procedures.engine.values import canonical
from procedures.models import Run, RunInput, Wait
from procedures.models.clock import clock
from procedures.services.operations import OperationRefusedError, note_operation
from procedures.services.waits import lock_run
from procedures.users import User


@transaction.atomic
def retry_run(run_id: UUID, *, by: User, reason: str) -> str:
    """Let a failed or quarantined run go on from where it stands; what is kept stays kept.

    The step it failed by is tried again, also in a branch of a gather; a child it failed by is
    retried, too, or begun anew where it never runs again. If people let a step fail in doubt,
    or one that is done without a result, they are asked again. Locks the run, those above it
    first, and the children that failed.
    """
    *above, run = [lock_run(pk) for pk in reversed(_line_of(run_id))]
    _check_above(run, above)
    if above:
        journal.collect_child_results(above[-1].pk)
    told = _told_of_parent(run)
    return _retry(run, by=by, reason=reason) + told


def _line_of(run_id: UUID) -> list[UUID]:
    """The run, its parent, and so on up, as far as one waits for the other or ended with it."""
    line, wait = [run_id], Run.objects.get(pk=run_id).parent_wait
    while wait is not None and not (wait.abandons and not wait.is_open):
        line.append(wait.run_id)
        wait = wait.run.parent_wait
    return line


def _check_above(run: Run, above: Sequence[Run]) -> None:
    """A child that nobody needs is not retried, unless to undo what it did."""
    if run.status == RunStatus.QUARANTINED and run.cancel_requested_at:
        return
    for one in above:
        is_over = RunStatus(one.status).is_end
        if one.status == RunStatus.CANCELLED or (one.cancel_requested_at and not is_over):
            is_what = "is cancelled" if is_over else "is to end"
            raise OperationRefusedError(f"{one}, which needed it, {is_what}: start another run.")


def _retry(run: Run, *, by: User, reason: str) -> str:
    """The run is locked; its children are locked here."""
    if run.status not in (RunStatus.FAILED, RunStatus.QUARANTINED):
        raise OperationRefusedError(f"Only what failed or is quarantined is retried: {run.status}.")
    has_failed, now = run.status == RunStatus.FAILED, clock.now()
    if has_failed and _is_undone(run):
        raise OperationRefusedError("What it did has been undone: restart it.")
    events = run.events.filter(seq__gt=run.base_seq).journal()
    again = taken_up(events, known=_known(run), has_failed=has_failed)
    found = {key: _Children.of(run, key) for key in again.waits_on_children}
    keys = [*again.keys, *(key for one in found.values() for key in one.opened_anew)]
    more: dict[str, Any] = {"again": keys} if keys else {}
    reopened = [key for key, one in found.items() if one.wait]
    more |= {"reopened": reopened} if reopened else {}
    note_operation(run, "retry", by=by, reason=reason, step=again.step, **more)
    run.reopen(at=now)
    for one in found.values():
        if one.wait:
            journal.wait_again(run, one.wait, one.with_fate(Fate.ANEW), at=now)
        for child in one.with_fate(Fate.RETRIED):
            _retry(child, by=by, reason=reason)
    dispatch.call_workers()
    return _told_of_retry(again, found.get(again.child, _Children()))


def _is_undone(run: Run) -> bool:
    return run.events.filter(seq__gt=run.base_seq, key__startswith=UNDO).exists()


def _known(run: Run) -> set[str]:
    """The waits that are open, or whose outcome is on its way.

    A child's end says nothing to a wait that the run's own end has closed.
    """
    coming = RunInput.objects.filter(run=run).exclude(kind=RunInput.CHILD_ENDED).untaken()
    return {*run.waits.open().values_list("key", flat=True), *coming.values_list("key", flat=True)}


@dataclass(frozen=True)
class _Children:
    """What becomes of the children that a run failed by; each is locked."""

    wait: Wait | None = None
    """What is to be open again."""
    opened_anew: Sequence[str] = ()
    """Its key, where another child is begun instead."""
    fates: Mapping[Run, Fate] = field(default_factory=dict)
    """Of those without a result."""

    @classmethod
    def of(cls, run: Run, key: str) -> "_Children":
        wait = run.waits.filter(key=key).order_by("opened_seq").last()
        if not key or wait is None:
            return cls()
        fates = {child: _fate(child) for child in wait.without_result()}
        for child, fate in fates.items():
            if fate == Fate.ENDING:
                raise OperationRefusedError(f"{child}, its child, is still ending: retry it then.")
        is_map = wait.kind == Wait.Kind.MAP
        is_anew = not wait.children.exists() or (not is_map and Fate.ANEW in fates.values())
        return cls(None, [key], fates) if is_anew else cls(wait, (), fates)

    def with_fate(self, fate: Fate) -> list[Run]:
        return [child for child, one in self.fates.items() if one == fate]


def _fate(child: Run) -> Fate:
    is_to_end = child.cancel_requested_at is not None
    return fate_of(RunStatus(child.status), is_undone=_is_undone(child), is_to_end=is_to_end)


def _told_of_retry(again: Again, children: _Children) -> str:
    if again.lacks_result:
        return f"It goes on, and asks again for the result of {again.step}, which is done."
    if again.is_doubtful:
        return f"It goes on, and asks again whether {again.step} has happened."
    if again.step:
        return f"It goes on, and tries {again.step} again."
    if again.child:
        return f"It goes on, and {_told_of_children(again.child, children)}."
    return "It goes on from where it stands."


def _told_of_children(key: str, children: _Children) -> str:
    verbs = {Fate.RETRIED: "retries", Fate.ANEW: "begins anew", Fate.AWAITED: "waits for"}
    groups = [(verb, children.with_fate(fate)) for fate, verb in verbs.items()]
    told = [f"{verb} {', '.join(map(str, runs))}" for verb, runs in groups if runs]
    return " and ".join(told) or f"takes in what {key} has come to since"


def _told_of_parent(run: Run) -> str:
    """What a child's parent makes of it, if it has taken its failure in."""
    wait = run.parent_wait
    if wait is None or wait.is_open or run.status != RunStatus.FAILED:
        return ""
    if wait.run.status == RunStatus.FAILED:
        return f" {wait.run} knows that it failed: retry that, too, and it takes in the new end."
    return f" {wait.run} knows that it failed, and takes in no other end."


@transaction.atomic
def override_run(run_id: UUID, *, by: User, reason: str) -> str:
    """Let a quarantined run go on with code that differs from its journal. Locks the run.

    What the code did not ask for is let pass, a step's kept result stands for other arguments,
    and a question that has changed is asked again.
    """
    run, now = lock_run(run_id), clock.now()
    error = canonical.plain(run.error) if run.error else {}
    if run.status != RunStatus.QUARANTINED or error.get("type") != "Mismatch":
        raise OperationRefusedError("Only a run that no longer fits its code is overridden.")
    told = {"loose": error["unread"], "changed": error["changed"]}
    note_operation(run, "override", by=by, reason=reason, at=now, **told)
    changed = run.waits.filter(key=error["changed"])
    journal.lock_below(changed.open())
    changed.update(part_of=None)  # what became of it decides no set
    journal.withdraw_all(changed.open(), by="system: asked again", at=now, is_end=False)
    run.reopen(at=now)
    dispatch.call_workers()
    return "It goes on with the code as it is."
