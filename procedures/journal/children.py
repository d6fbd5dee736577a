"""Child runs: begun in their parent's commit, and their ends brought to it after their own."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef

from procedures import dispatch, hooks
from procedures.engine.errors import Refused
from procedures.engine.journal.events import EventKind, NewEvent, RunStatus, chained, closing
from procedures.engine.journal.large import as_part, packed, part_of, put_aside, unpacked
from procedures.engine.values import canonical
from procedures.engine.values.files import File, use_file_store
from procedures.files import ContentStore
from procedures.journal.cancelling import cancel_children, lock_below
from procedures.journal.waits import answer_wait
from procedures.models import Artifact, Event, ProcedureVersion, Run, RunInput, Wait
from procedures.models.clock import clock
from procedures.models.ids import uuid7
from procedures.models.proofs import ledger_key

MOST_BEGUN = 100
"""Children of a map in one transaction, which has to end well within a lease."""
NOTHING = ["cancelled", None, "It was not needed any more."]


def begin_run(run: Run, *said: NewEvent, files: Sequence[File] = ()) -> None:
    """Keep a new run with its files and first events, queued, in the caller's transaction.

    `said`: by whom and why it was made from another one.
    """
    drafts = (NewEvent(EventKind.RUN_STARTED, data=run.beginning(files)), *said)
    at, key = run.created_at, ledger_key()
    events = chained(drafts, run_id=str(run.pk), after=0, at=at, head="", key=key)
    run.insert(head_seq=events[-1].seq, head_hash=events[-1].hash)
    Event.objects.bulk_create([Event(run=run, **event._asdict()) for event in events])
    give_files(run, files)


def give_files(run: Run, files: Iterable[File]) -> None:
    """Keep the rows of a run's files. Calling it twice is harmless."""
    given = [Artifact.of(run, file) for file in files]
    Artifact.objects.bulk_create(given, ignore_conflicts=True)


def begin_children(run: Run, wait: Wait, content: Mapping[str, Any], *, at: datetime) -> None:
    """What `child.started` means: the child itself, or the first ones of a map."""
    if wait.kind == Wait.Kind.CHILD:
        with use_file_store(ContentStore()):
            inputs = unpacked(content, "inputs")
        version = _version_for(run, content["procedure"])
        child = _child(run, wait, version, inputs, at=at)
        child.id = UUID(content["run"])
        _begin(child, inputs, run.artifacts.all())
    elif not content["count"]:
        _close_map(run, wait, at=at)
    else:
        _begin_next(run, wait, at=at)
        if wait.is_behind:
            transaction.on_commit(lambda: _begin_rest(wait), robust=True)


def _begin_rest(wait: Wait) -> None:
    while begin_more(wait):
        pass


@transaction.atomic
def begin_more(wait: Wait) -> bool:
    """Begin the next children of a map that is behind; whether it still is. Locks the run."""
    run = Run.objects.lock(wait.run_id)
    wait = run.waits.get(pk=wait.pk)
    if not (wait.is_open and wait.is_behind):
        return False
    _begin_next(run, wait, at=clock.now())
    return wait.is_behind


def report_to_parent(child: Run) -> None:
    """Note a child's end for its parent, which takes it in after this commit."""
    wait = child.parent_wait
    if wait is None:
        return
    with use_file_store(ContentStore()):
        content = _end_of(child)
    told = NewEvent(RunInput.CHILD_ENDED, wait.key, str(child.parent_number), content)
    RunInput.objects.keep(wait.run_id, told, wait=wait)
    transaction.on_commit(lambda: collect_child_results(wait.run_id), robust=True)


def _end_of(child: Run) -> dict[str, Any]:
    message = str(canonical.plain(child.error).get("message", "")) if child.error else ""
    told = closing(child.status, responder="system: child", comment=message)
    return told | as_part("value", child.result)


@transaction.atomic
def collect_child_results(run_id: UUID) -> None:
    """Take in the ends of a run's children. Locks the run; calling it twice is harmless."""
    run = Run.objects.lock(run_id)
    settle_locked(run, at=clock.now())


def settle_locked(run: Run, *, at: datetime) -> None:
    ends = list(RunInput.objects.filter(run=run).child_ends().untaken().select_related("wait"))
    RunInput.objects.note_brought(ends, at=at)
    waits = {end.wait.pk: end.wait for end in ends if end.wait and end.wait.is_open}
    news = [(wait, [end for end in ends if end.wait_id == wait.pk]) for wait in waits.values()]
    maps = [(wait, ended) for wait, ended in news if wait.kind == Wait.Kind.MAP]
    for wait, ended in maps:
        wait.ended += _newly_ended(wait, ended)
    over = [wait.pk for wait, ended in maps if _is_over(wait, ended)]
    if over:
        lock_below(run.waits.filter(pk__in=over))
    for wait, ended in news:
        if wait.kind == Wait.Kind.CHILD:
            answer_wait(run, wait, ended[0].content, at=at)
        elif wait.pk in over:
            _close_map(run, wait, at=at)
        else:
            _begin_next(run, wait, at=at)


def wait_again(run: Run, wait: Wait, lost: Iterable[Run], *, at: datetime) -> None:
    """Open a locked run's wait for children that had failed once more; what has a result counts.

    `lost`: those of a map that never run again; another child takes the place of each.
    """
    wait.reopen()
    done = wait.children.filter(status=RunStatus.SUCCEEDED).order_by("pk")
    if wait.kind == Wait.Kind.CHILD:
        for child in done:
            report_to_parent(child)
        return
    numbers = done.order_by().values("parent_number").distinct()
    wait.ended = numbers.count()
    left = wait.children.exclude(parent_number__in=numbers).values_list("parent_number", flat=True)
    outdated = wait.child_ends.filter(name__in=[str(number) for number in left])
    RunInput.objects.set_aside(list(outdated), at=at)
    wait.count(begun=wait.begun, is_behind=wait.is_behind)
    for child in lost:
        _begin_numbers(run, wait, child.parent_number, child.parent_number + 1, at=at)
    if wait.ended == wait.opening()["count"]:
        _close_map(run, wait, at=at)
    else:
        _begin_next(run, wait, at=at)  # the last that was at work may have its result by now


def _newly_ended(wait: Wait, news: Sequence[RunInput]) -> int:
    """How many children these are the ends of: one that was retried ends again."""
    numbers = {end.name for end in news}
    earlier = wait.child_ends.filter(name__in=numbers).exclude(pk__in=[end.pk for end in news])
    return len(numbers.difference(earlier.values_list("name", flat=True)))


def _is_over(wait: Wait, news: Sequence[RunInput]) -> bool:
    """Whether a map is over: with the last of its children, or by a failure."""
    content = wait.opening()
    has_failed = any(end.content["outcome"] != RunStatus.SUCCEEDED for end in news)
    is_lost = has_failed and content["on_failure"] == "fail_fast"
    return is_lost or bool(wait.ended == content["count"])


def _begin_next(run: Run, wait: Wait, *, at: datetime) -> None:
    """Begin the children of a map that may begin, as many as one transaction has time for."""
    content = wait.opening()
    due = min(wait.ended + content["at_most"], content["count"])
    stop = min(due, wait.begun + MOST_BEGUN)
    if wait.begun < stop:
        _begin_numbers(run, wait, wait.begun, stop, at=at)
    wait.count(begun=stop, is_behind=stop < due)


def _begin_numbers(run: Run, wait: Wait, start: int, stop: int, *, at: datetime) -> None:
    content = wait.opening()
    with use_file_store(ContentStore()):
        inputs = part_of(content, "inputs", start, stop)
    version, files = _version_for(run, content["procedure"]), run.artifacts.all()
    for number, text in enumerate(inputs, start=start):
        child = _child(run, wait, version, text, at=at)
        child.parent_number = number
        _begin(child, text, files)


def _close_map(run: Run, wait: Wait, *, at: datetime) -> None:
    ends = {int(end.name): end.content for end in wait.child_ends.all()}
    with use_file_store(ContentStore()):
        results = [_result(ends.get(number)) for number in range(wait.opening()["count"])]
        content = closing("finished", responder="system: children") | packed("value", results)
    answer_wait(run, wait, content, at=at)
    cancel_children(wait, at=at)


def _result(end: Mapping[str, Any] | None) -> list[Any]:
    return [end["outcome"], unpacked(end, "value"), end["comment"]] if end else NOTHING


def _version_for(run: Run, procedure: str) -> ProcedureVersion:
    """Return what a child is begun with: the run's text where it is in it, else the newest code."""
    own = ProcedureVersion.objects.filter(pk=run.version_id).exclude(file="")
    versions = ProcedureVersion.objects.filter(procedure__name=procedure)
    is_of_one_text = Exists(own.filter(file=OuterRef("file"), version=OuterRef("version")))
    ordered = versions.order_by(is_of_one_text.desc(), "-registered_at", "-pk")
    version = ordered.select_related("procedure").defer("source").first()
    if version is None:
        raise Refused(f"No procedure called {procedure} is registered here.")
    return version


def _child(run: Run, wait: Wait, version: ProcedureVersion, inputs: str, *, at: datetime) -> Run:
    with use_file_store(ContentStore()):
        inputs = put_aside(inputs)
    return Run(
        id=uuid7(),
        procedure=version.procedure,
        version=version,
        started_by=run.started_by,
        inputs=inputs,
        seed=secrets.token_hex(16),
        created_at=at,
        parent_wait=wait,
        depth=run.depth + 1,
    )


def _begin(child: Run, inputs: str, files: Iterable[Artifact]) -> None:
    """`files`: its parent's; those that its inputs name are its own, too."""
    begin_run(child, files=[file.as_file() for file in files if file.digest in inputs])
    hooks.run_started.send(Run, run=child)
    dispatch.call_workers()
