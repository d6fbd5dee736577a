"""Tactus, SEEDS.md §2: what was seen when its code was run, as it is right.

| fault                                                  | its test here                           |
|--------------------------------------------------------|-----------------------------------------|
| a request inside a sub-procedure or a checkpoint       | a_reply_reaches_the_sub_procedure,      |
| returns nil after the reply                            | a_question_inside_a_step_is_refused     |
| nested checkpoints shift positions                     | nested_steps_shift_no_names             |
| `State.increment` counts once per replay               | an_increment_counts_once                |
| log lines and `Sleep` repeat                           | log_lines_and_sleeps_happen_once        |
| `pcall` swallows the suspension                        | catching_errors_swallows_no_suspension, |
|                                                        | a_swallowed_suspension_is_quarantined   |
| two workers given one reply both paid                  | two_workers_given_one_reply, ..._late   |
| edited source is not noticed                           | edited_source_is_noticed                |
| timeouts are never enforced                            | a_timeout_is_enforced                   |
| the responder is dropped                               | the_responder_is_known                  |
| `while true do end` cannot be stopped                  | an_endless_step_is_stopped              |
| any checkpoint after `State.set` may erase it          | no_step_erases_the_state                |
| a bad reply to a schema fails the run                  | `tests.integration.test_seeds_people`   |
"""

from datetime import timedelta

import pytest

from procedures.engine import Context, procedure
from procedures.engine.errors import Fenced
from procedures.engine.journal.events import Batch, EventKind, NewEvent, RunStatus
from tests import procedures
from tests.conformance.backends import Backend, answer
from tests.procedures import act, did, saw


def test_a_reply_reaches_the_sub_procedure_that_asked(backend: Backend) -> None:
    run_id = backend.start(procedures.asks_two_below)
    backend.advance_all()
    [child] = backend.children(run_id)
    [grandchild] = backend.children(child)

    answer(backend, grandchild, "ask", value="parcel")
    backend.advance_all()

    assert backend.result(grandchild) == '"parcel"'
    assert backend.result(run_id) == '"heard parcel"'
    assert did == ["heard parcel"]


def test_a_question_inside_a_step_is_refused_before_it_is_asked(backend: Backend) -> None:
    run_id = backend.start(procedures.asks_inside_a_step)

    assert backend.advance(run_id) == RunStatus.FAILED

    assert "can't be used inside a step" in str(backend.error(run_id))
    assert not backend.open_waits(run_id)


def test_nested_steps_shift_no_names(backend: Backend) -> None:
    run_id = backend.start(procedures.nested_work)
    backend.advance_all()
    for key in ("gather/address/approve", "gather/pack/approve"):
        answer(backend, run_id, key)
        backend.advance_all()
    answer(backend, backend.children(run_id)[0], "approve")
    backend.advance_all()

    assert backend.status(run_id) == RunStatus.SUCCEEDED
    steps = {e.key: e.content["result"] for e in backend.events(run_id) if "result" in e.content}
    assert steps == {
        "work": "begin",
        "gather/pack/work": "top",
        "gather/pack/work#2": "bottom",
        "gather/pack/work#3": "seal",
        "gather/address/work": "label",
        "work#2": "end",
    }
    assert len(did) == len({*did}) == 7


def test_an_increment_counts_once_over_any_number_of_replays(backend: Backend) -> None:
    run_id = backend.start(procedures.increment)
    for key in ("approve", "approve#2", "approve#3"):
        backend.advance(run_id)
        answer(backend, run_id, key)
    backend.advance(run_id)

    assert backend.result(run_id) == "1"
    assert kinds(backend, run_id).count(EventKind.STATE) == 1


def test_log_lines_and_sleeps_happen_once(backend: Backend) -> None:
    run_id = backend.start(procedures.logs_and_sleeps)
    for _ in range(2):
        assert backend.advance(run_id) == RunStatus.WAITING
        backend.travel(timedelta(hours=1))
    assert backend.advance(run_id) == RunStatus.WAITING
    answer(backend, run_id, "approve")

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    logs = [event.name for event in backend.events(run_id) if event.kind == EventKind.LOG]
    assert logs == ["Turn 1.", "Turn 2.", "Enough."]
    opened = [e.key for e in backend.events(run_id) if e.kind == EventKind.WAIT_OPENED]
    assert opened == ["sleep", "sleep#2", "approve"]


def test_catching_errors_swallows_no_suspension(backend: Backend) -> None:
    run_id = backend.start(procedures.protected)

    assert backend.advance(run_id) == RunStatus.WAITING
    answer(backend, run_id, "approve")

    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert backend.result(run_id) == '"said True"'
    assert did == []


def test_a_swallowed_suspension_is_quarantined_and_asks_nobody(backend: Backend) -> None:
    run_id = backend.start(procedures.swallower)

    assert backend.advance(run_id) == RunStatus.QUARANTINED

    assert "caught the exception that suspends the run at approve" in str(backend.error(run_id))
    assert not backend.open_waits(run_id)


def test_two_workers_given_one_reply_pay_once(backend: Backend) -> None:
    run_id = backend.start(procedures.pays_on_a_reply)
    backend.advance(run_id)
    answer(backend, run_id, "approve")
    others: list[RunStatus] = []
    procedures.interludes.append(lambda: others.append(backend.advance(run_id)))

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert others == [RunStatus.RUNNING]
    assert did == ["let_others_act"]


def test_a_worker_that_is_too_late_with_a_reply_changes_nothing(backend: Backend) -> None:
    run_id = backend.start(procedures.question)
    backend.advance(run_id)
    answer(backend, run_id, "approve")
    late = backend.claim(run_id)
    assert late
    backend.lose_lease(run_id)
    backend.advance(run_id)
    kept = backend.events(run_id)

    with pytest.raises(Fenced):
        late.commit(Batch((NewEvent(EventKind.STEP_SUCCEEDED, "after", "after"),)))

    assert backend.events(run_id) == kept
    assert did == ["before", "after"]


@procedure(name="question")
def edited_question(ctx: Context) -> bool:
    ctx.step(act, "before", name="before")
    decision = ctx.approve("Pay 3,120 €?", evidence={"order": 7})
    ctx.step(act, "after", name="after")
    return bool(decision)


def test_edited_source_is_noticed_and_the_run_is_held(backend: Backend) -> None:
    run_id = backend.start(procedures.question)
    backend.advance(run_id)
    answer(backend, run_id, "approve")

    assert backend.advance(run_id, edited_question) == RunStatus.QUARANTINED

    assert "“Pay 31.20 €?”, but the code now asks “Pay 3,120 €?”" in str(backend.error(run_id))
    assert did == ["before"]


def test_a_timeout_is_enforced_with_nobody_looking(backend: Backend) -> None:
    run_id = backend.start(procedures.deadline_that_fails)
    backend.advance(run_id)

    backend.travel(timedelta(hours=1))
    assert not answer(backend, run_id, "approve")
    backend.advance_all()

    assert backend.result(run_id) == "\"Nobody answered 'Go?' in time.\""


def test_the_responder_is_known_on_every_replay(backend: Backend) -> None:
    run_id = backend.start(procedures.parcel)
    backend.advance(run_id)
    answer(backend, run_id, "ask", value=7)
    backend.advance(run_id)
    answer(backend, run_id, "approve")
    backend.advance(run_id)

    assert saw == [(7, "bob", "Fine.")] * 2


def test_an_endless_step_is_stopped(backend: Backend) -> None:
    run_id = backend.start(procedures.while_true)

    assert backend.advance(run_id) == RunStatus.FAILED

    assert "took longer than its timeout" in str(backend.error(run_id))


def test_no_step_erases_the_state(backend: Backend) -> None:
    run_id = backend.start(procedures.state_between_steps)
    backend.advance_all()
    answer(backend, run_id, "approve")
    backend.advance_all()

    assert backend.result(run_id) == '{"branch":true,"kept":{"order":7}}'


def kinds(backend: Backend, run_id: str) -> list[str]:
    return [event.kind for event in backend.events(run_id)]
