"""Child runs: begun in their parent's commit, and their ends brought to it after their own."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from procedures import dispatch, hooks
from procedures.engine import canonical
from procedures.engine.errors import Refused
from procedures.engine.files import file_desk
from procedures.engine.journal import Draft, EventKind, RunStatus, chain, closing
from procedures.engine.large import packed, unpacked
from procedures.files import ContentStore
from procedures.journal.cancelling import cancel_children, lock_below
from procedures.journal.statements import ledger_key
from procedures.journal.waits import answer_wait
from procedures.models import Event, ProcedureVersion, Run, RunInput, Wait
from procedures.models.clock import clock
from procedures.models.ids import uuid7

NOTHING = ["cancelled", None, "It was not needed any more."]


def begin_run(run: Run, *, by: str) -> None:
    """Keep a new run with its first event, queued, in the caller's transaction."""
    run.save(force_insert=True)
    draft = Draft(EventKind.RUN_STARTED, data={"by": by, "code": run.version.version})
    event = chain(draft, run_id=str(run.pk), seq=1, at=run.created_at, head="", key=ledger_key())
    run.head_seq, run.head_hash = event.seq, event.hash
    run.save(update_fields=["head_seq", "head_hash"])
    Event.objects.create(run=run, **vars(event))
    run.queue(at=run.created_at)


def begin_children(run: Run, wait: Wait, content: Mapping[str, Any], *, at: datetime) -> None:
    """What `child.started` means: the child itself, or the first ones of a map."""
    if wait.kind == Wait.Kind.CHILD:
        _begin_child(run, wait, content, number=0, run_id=UUID(content["run"]), at=at)
        return
    for number in range(min(content["at_most"], content["count"])):
        _begin_child(run, wait, content, number=number, at=at)
    if not content["count"]:
        _close_map(run, wait, 0, at=at)


def bring_end(child: Run) -> None:
    """Note a child's end for its parent, which takes it in after this commit."""
    wait = child.parent_wait
    if wait is None:
        return
    with file_desk(ContentStore()):
        content = _end_of(child)
    RunInput.objects.create(
        run_id=wait.run_id,
        wait=wait,
        kind=RunInput.CHILD_ENDED,
        key=wait.key,
        name=str(child.parent_number),
        data=canonical.text_of(content),
    )
    transaction.on_commit(lambda: settle(wait.run_id), robust=True)


def _end_of(child: Run) -> dict[str, Any]:
    value = canonical.value_of(child.result) if child.result is not None else None
    message = str(canonical.plain(child.error).get("message", "")) if child.error else ""
    told = closing(child.status, responder="system: child", comment=message)
    return told | packed("value", value)


@transaction.atomic
def settle(run_id: UUID) -> None:
    """Take in the ends of a run's children. Locks the run; calling it twice is harmless."""
    run = Run.objects.locked().get(pk=run_id)
    settle_locked(run, at=clock.now())


def settle_locked(run: Run, *, at: datetime) -> None:
    ends = list(RunInput.objects.filter(run=run).child_ends().untaken().select_related("wait"))
    RunInput.objects.filter(pk__in=[end.pk for end in ends]).update(taken_at=at)
    contents = {end.pk: canonical.plain(end.data) for end in ends}
    lost = [end.wait_id for end in ends if contents[end.pk]["outcome"] != RunStatus.SUCCEEDED]
    if lost:
        lock_below(run.waits.filter(pk__in=lost))
    waits = {end.wait.pk: end.wait for end in ends if end.wait and end.wait.is_open}
    for wait in waits.values():
        news = [contents[end.pk] for end in ends if end.wait_id == wait.pk]
        if wait.kind == Wait.Kind.CHILD:
            answer_wait(run, wait, news[0], at=at)
        else:
            _go_on_with_map(run, wait, news, at=at)


def _go_on_with_map(
    run: Run, wait: Wait, news: Sequence[Mapping[str, Any]], *, at: datetime
) -> None:
    """Close it when its children have ended, or one has failed; else start the next ones."""
    content = wait.opening()
    ended = wait.child_ends.count()
    has_failed = any(end["outcome"] != RunStatus.SUCCEEDED for end in news)
    if ended == content["count"] or (has_failed and content["on_failure"] == "fail_fast"):
        _close_map(run, wait, content["count"], at=at)
        return
    started = wait.children.count()
    for number in range(started, min(ended + content["at_most"], content["count"])):
        _begin_child(run, wait, content, number=number, at=at)


def _close_map(run: Run, wait: Wait, count: int, *, at: datetime) -> None:
    ends = {int(end.name): canonical.plain(end.data) for end in wait.child_ends.all()}
    with file_desk(ContentStore()):
        results = [_result(ends.get(number)) for number in range(count)]
        content = closing("finished", responder="system: children") | packed("value", results)
    answer_wait(run, wait, content, at=at)
    cancel_children(wait, at=at)


def _result(end: Mapping[str, Any] | None) -> list[Any]:
    return [end["outcome"], unpacked(end, "value"), end["comment"]] if end else NOTHING


def _begin_child(
    run: Run,
    wait: Wait,
    content: Mapping[str, Any],
    *,
    number: int,
    at: datetime,
    run_id: UUID | None = None,
) -> None:
    with file_desk(ContentStore()):
        inputs = unpacked(content, "inputs")
    versions = ProcedureVersion.objects.filter(procedure__name=content["procedure"])
    version = versions.select_related("procedure").newest_first().first()
    if version is None:
        raise Refused(f"No procedure called {content['procedure']} is registered here.")
    child = Run(
        id=run_id or uuid7(),
        procedure=version.procedure,
        version=version,
        started_by=run.started_by,
        inputs=inputs if run_id else inputs[number],
        seed=secrets.token_hex(16),
        created_at=at,
        parent_wait=wait,
        parent_number=number,
        depth=run.depth + 1,
    )
    begin_run(child, by=run.started_by.get_username() if run.started_by else "system")
    hooks.run_started.send(Run, run=child)
    dispatch.ring(child.pk)
