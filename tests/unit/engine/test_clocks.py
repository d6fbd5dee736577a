"""Deadlines count from the moment at which people can answer."""

from datetime import timedelta

from procedures.engine import Context, procedure
from procedures.testing.memory import MemoryStore

LATER = timedelta(minutes=10)


def test_the_clock_of_a_question_starts_when_it_can_be_answered() -> None:
    store = MemoryStore()

    @procedure
    def slow(ctx: Context) -> bool:
        asked = ctx.later.approve("Pay?", expires="1h", default=False)
        store.clock += LATER  # the code computes something
        return bool(asked.wait())

    run_id = store.start(slow)
    store.advance(run_id)

    [wait] = store.runs[run_id].waits.values()
    assert wait.due_at == store.clock + timedelta(hours=1)
    assert store.events(store.runs[run_id])[1].content["due_at"] == wait.due_at.isoformat()
