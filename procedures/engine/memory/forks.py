"""Forks in memory: the twin of what services and journal do in the database."""

from collections.abc import Iterator, Mapping
from typing import Any

from procedures.engine.journal.events import Event, EventKind, NewEvent, RunFacts, chain, moved
from procedures.engine.journal.large import inputs_of, put_aside
from procedures.engine.lifecycle import forks
from procedures.engine.lifecycle.deciding import told_of
from procedures.engine.memory.rows import KEY, MemoryRun
from procedures.engine.memory.store import MemoryStore
from procedures.engine.replay.history import FORK, UNDO
from procedures.engine.values.choices import use_choices
from procedures.engine.values.files import use_file_store


def fork_run(
    store: MemoryStore,
    run_id: str,
    at: str,
    inputs: Mapping[str, Any] | None = None,
    *,
    keep_answers: bool = True,
    by: str,
) -> str:
    """Another run, which goes its own way from a step or wait of this one."""
    origin = store.runs[run_id]
    taken = _before(origin, at)
    carried = forks.carried(taken, at, keep_answers=keep_answers)
    with use_file_store(store.files), use_choices(store.choices):
        text = inputs_of(origin.events[origin.base], origin.facts.inputs)
        if inputs:
            text = origin.procedure.dump(origin.procedure.revise(text, inputs))
        facts = RunFacts(store.new_id(), put_aside(text), seed=origin.facts.seed)
        run = store.runs[facts.run_id] = MemoryRun(origin.procedure, facts)
        run.events += _moved(taken, run, text, origin=run_id, by=by)
    run.base, run.carried = 1 if origin.base else 0, len(run.events)
    said = {"action": FORK, "by": by, "from": run_id, "at": at, "again": carried.again}
    store.append(run, NewEvent(EventKind.OPERATOR, name=FORK, data=said))
    for entry in carried.closed:
        run.closed[entry.key] = told_of(entry.events[0].content, entry.last.content)
    texts = [text, *(one.data for one in run.events)]
    named = [(name, one) for name, one in origin.files.items() if any(one in it for it in texts)]
    run.files = dict(named)
    store.queue(run)
    return facts.run_id


def _before(origin: MemoryRun, at: str) -> list[Event]:
    kept = origin.events[origin.base :]
    first = next((event for event in kept if forks.begins(event, at)), None)
    if first is None:
        raise forks.UnknownPlaceError(at)
    is_to_end = origin.cancellation and not origin.status.is_end
    is_undone = is_to_end or any(event.key.startswith(UNDO) for event in kept)
    noted = [one for one in origin.noted if one.kind == EventKind.COMPENSATION]
    if is_undone and any(one.seq < first.seq for one in noted):
        raise forks.undone(at)
    return [event for event in kept if event.seq < first.seq]


def _moved(
    taken: list[Event], run: MemoryRun, text: str, *, origin: str, by: str
) -> Iterator[Event]:
    run_id = run.facts.run_id
    draft, at = NewEvent(EventKind.RUN_STARTED, data=run.beginning(by)), taken[0].at
    last = chain(draft, run_id=run_id, seq=1, at=at, head="", key=KEY)
    yield last
    for event in taken:
        if event.kind != EventKind.RUN_STARTED:
            one = forks.as_taken(event, origin=origin, by=by, inputs=text)
            last = moved(one, run_id=run_id, seq=last.seq + 1, head=last.hash, key=KEY)
            yield last
