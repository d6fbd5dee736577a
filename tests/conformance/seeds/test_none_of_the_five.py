"""SEEDS.md, the end: what none of the five has, as far as it is the engine's.

| wanted                                              | its test here, or elsewhere               |
|-----------------------------------------------------|-------------------------------------------|
| one answer means one effect, across processes       | `integration.test_one_outcome`            |
| a reply is checked when it is given                 | `integration.test_seeds_people`           |
| waits inside children and branches                  | questions_on_every_level                  |
| several open questions, with any, all and quorum    | all_of_them, any_of_them_or_a_quorum    |
| deadlines that fire by themselves and are marked    | deadlines_of_several_questions            |
| flat cost per checkpoint                            | `test_plexus`                             |
| state, logs and notices once over replays           | what_is_told_is_told_once                 |
| changed code is noticed and the run held            | code_that_swaps_two_questions             |
| a killed worker's run goes on by itself             | a_lost_run_is_queued_again                |
| the responder is known, the record tamper-evident   | `test_tactus`, a_changed_answer_shows     |
| chat that reconnects without gaps                   | `integration.test_live`                   |
| an inbox with reassign and withdraw                 | `integration.test_admin_operations`       |
"""

import json
from datetime import timedelta

import pytest

from procedures.engine import Context, procedure
from procedures.engine.journal.events import EventKind, NewEvent, RunStatus, chain
from tests import procedures
from tests.conformance.backends import Backend, answer
from tests.conformance.database import DatabaseBackend
from tests.procedures import did

OPINIONS = {"ann", "ben", "cem"}


def test_questions_on_every_level_are_open_together(backend: Backend) -> None:
    run_id = backend.start(procedures.asks_on_every_level)
    backend.advance_all()
    [child] = backend.children(run_id)

    assert {*backend.open_waits(run_id)} >= {"approve", "gather/in_one/ask", "gather/in_other/ask"}
    assert list(backend.open_waits(child)) == ["ask"]
    answer(backend, child, "ask", value="child")
    answer(backend, run_id, "gather/in_other/ask", value="other")
    answer(backend, run_id, "gather/in_one/ask", value="one")
    answer(backend, run_id, "approve")
    backend.advance_all()

    assert backend.result(run_id) == '[true,"child","one","other"]'


def test_all_of_them_are_waited_for(backend: Backend) -> None:
    run_id = backend.start(procedures.three_opinions)
    backend.advance(run_id)
    for key in OPINIONS:
        assert backend.status(run_id) == RunStatus.WAITING
        answer(backend, run_id, key)

    assert backend.advance(run_id) == RunStatus.SUCCEEDED


@pytest.mark.parametrize(("need", "said"), [(1, ["ben"]), (2, ["cem", "ann"])])
def test_any_of_them_or_a_quorum_is_enough_and_the_rest_is_not_asked_any_more(
    backend: Backend, need: int, said: list[str]
) -> None:
    run_id = backend.start(procedures.three_opinions, need=need)
    backend.advance(run_id)
    for key in said:
        answer(backend, run_id, key)

    assert not backend.open_waits(run_id)
    left = OPINIONS - {*said}
    assert not any(answer(backend, run_id, key) for key in left)
    backend.advance(run_id)
    assert json.loads(backend.result(run_id) or "") == said


def test_deadlines_of_several_questions_fire_each_in_its_time(backend: Backend) -> None:
    run_id = backend.start(procedures.two_deadlines)
    backend.advance(run_id)

    backend.travel(timedelta(hours=1))
    assert [key for key in backend.open_waits(run_id) if key != "wait_all"] == ["late"]
    assert backend.status(run_id) == RunStatus.WAITING
    backend.travel(timedelta(hours=1))
    backend.advance_all()

    assert backend.result(run_id) == '[["defaulted",true],["defaulted",true]]'


def test_what_is_told_is_told_once(backend: Backend) -> None:
    run_id = backend.start(procedures.talkative)
    for key in ("approve", "approve#2"):
        backend.advance(run_id)
        answer(backend, run_id, key)
    backend.advance(run_id)

    kinds = [event.kind for event in backend.events(run_id)]
    told = (EventKind.STATE, EventKind.LOG, EventKind.NOTICE, EventKind.STAGE)
    assert [kinds.count(kind) for kind in told] == [3, 1, 2, 1]


@procedure(name="two_questions")
def two_questions_swapped(ctx: Context) -> list[bool]:
    return [bool(ctx.approve("Send?")), bool(ctx.approve("Pay?"))]


def test_code_that_swaps_two_questions_is_held_and_can_be_cancelled(backend: Backend) -> None:
    run_id = backend.start(procedures.two_questions)
    backend.advance(run_id)
    answer(backend, run_id, "approve")

    assert backend.advance(run_id, two_questions_swapped) == RunStatus.QUARANTINED

    backend.cancel(run_id)
    assert backend.status(run_id) == RunStatus.CANCELLED


@pytest.mark.django_db(transaction=True)
def test_a_lost_run_is_queued_again_by_the_clock_alone() -> None:
    backend = DatabaseBackend()
    run_id = backend.start(procedures.two_steps)
    assert backend.claim(run_id)

    backend.travel(timedelta(minutes=1))

    assert backend.status(run_id) == RunStatus.QUEUED
    backend.advance_all()
    assert did == ["pack", "send"]


def test_a_changed_answer_shows_in_the_record(backend: Backend) -> None:
    run_id = backend.start(procedures.question)
    backend.advance(run_id)
    answer(backend, run_id, "approve", value=False)
    backend.advance(run_id)
    events = backend.events(run_id)
    place = next(i for i, event in enumerate(events) if event.kind == EventKind.WAIT_CLOSED)
    kept, before = events[place], events[place - 1]

    def mark(data: dict[str, object]) -> str:
        draft = NewEvent(EventKind(kept.kind), kept.key, kept.name, data)
        key = backend.ledger_key
        return chain(draft, run_id=run_id, seq=kept.seq, at=kept.at, head=before.hash, key=key).hash

    assert mark(kept.content) == kept.hash
    forged = kept._replace(data=kept.data.replace("bob", "ann"))
    assert mark(forged.content) != kept.hash
