"""A storage that refuses, fails, or is lost."""

from contextlib import suppress

import pytest

from procedures.engine import Context, procedure
from procedures.engine.errors import CommitRefused, Fenced, Interruption, StorageLost
from procedures.engine.execute import advance
from procedures.engine.journal.events import Batch, Event, RunStatus
from procedures.testing.journal import MemoryJournal
from procedures.testing.memory import MemoryStore
from tests.unit.engine.running import kinds, message


class StubbornJournal(MemoryJournal):
    """Refuses one kind of event."""

    def __init__(self, store: MemoryStore, run_id: str, kind: str, error: BaseException) -> None:
        journal = store.claim(run_id)
        assert journal
        super().__init__(store, journal.row)
        self.kind, self.error = kind, error

    def commit(self, batch: Batch) -> list[Event]:
        if any(draft.kind == self.kind for draft in batch.events):
            raise self.error
        return super().commit(batch)


@procedure
def working(ctx: Context) -> str:
    with suppress(Exception):
        ctx.step(str, "work", name="work")
    ctx.approve("Go?")
    return "done"


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        ("step.succeeded", CommitRefused("Nobody shows it."), "Nobody shows it."),
        ("step.succeeded", ValueError("a\ud800"), r"ValueError: a\ud800"),
        ("wait.opened", CommitRefused("Nobody shows it."), "Nobody shows it."),
    ],
)
def test_what_is_refused_quarantines_and_leaves_nothing(
    store: MemoryStore, kind: str, error: BaseException, words: str
) -> None:
    run_id = store.start(working)
    journal = StubbornJournal(store, run_id, kind, error)

    assert advance(working, journal, store.files) == RunStatus.QUARANTINED

    assert message(store.runs[run_id]) == words
    assert kind not in kinds(store.runs[run_id])


@pytest.mark.parametrize("error", [Fenced("run"), StorageLost("away")])
@pytest.mark.parametrize("kind", ["step.succeeded", "wait.opened"])
def test_a_lost_hold_ends_the_worker_and_changes_nothing(
    store: MemoryStore, kind: str, error: Interruption
) -> None:
    run_id = store.start(working)
    journal = StubbornJournal(store, run_id, kind, error)

    with pytest.raises(type(error)):
        advance(working, journal, store.files)

    assert store.runs[run_id].status == RunStatus.RUNNING
    assert kind not in kinds(store.runs[run_id])
