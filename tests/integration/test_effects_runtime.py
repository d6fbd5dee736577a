"""The facade with AbstractRuntime's names: programs are started, answered, limited, cancelled."""

import sys
from collections.abc import Iterator
from datetime import timedelta
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, User

from procedures import registry
from procedures.models import Run
from procedures.services import sweep
from programs.effects import Effect, RunState, RunStatus, StepPlan, WaitReason, as_procedure
from programs.effects.facade import Runtime
from tests.configured import procedures_of
from tests.conftest import create_person, group
from tests.programs.effects.flows import node, of, one, tell
from tests.working import let_pass, work_off

pytestmark = pytest.mark.django_db
MODULE = "effects_runtime_flows"
broken: list[str] = []


class Working(Runtime):
    """A runtime whose worker works while somebody waits."""

    def wait(self, run_id: str) -> None:
        sweep()
        work_off()
        if Run.objects.filter(status="retrying").exists():
            let_pass(timedelta(minutes=1))


def count(run: RunState, ctx: Any) -> StepPlan:
    limits = run.vars["_limits"]
    limits["current_iteration"] += 1
    if limits["current_iteration"] >= limits["max_iterations"]:
        return StepPlan("count", complete_output={"turns": limits["current_iteration"]})
    return StepPlan("count", Effect("ask_user", {"prompt": "Go on?"}), "count")


def llm(run: RunState, effect: Effect) -> dict[str, Any]:
    if broken:
        raise OSError(broken.pop())
    return tell(run, effect)


STORY = of(
    ask=node("ask_user", {"prompt": "Which?", "choices": ["a", "b"]}, "of.pick", "event"),
    event=node("wait_event", {"wait_key": "evt:paid"}, "paid", "nap"),
    nap=node("wait_until", {"until": "2001-01-01"}, "woken", "call"),
    call=node("llm_call", {"prompt": "Hi"}, "llm", "news"),
    news=node("emit_event", {"name": "news"}, "told", "child"),
    child=node("start_subworkflow", {"workflow_id": "below"}, "sub"),
)
BELOW = one("ask_user", {"prompt": "Below?"})


@pytest.fixture
def runtime(finance: Group, operators: Group, dave: User) -> Iterator[Working]:
    module = ModuleType(MODULE)
    sys.modules[MODULE] = module
    options: dict[str, Any] = {
        "module": MODULE,
        "options": {"ask_user": {"assign": "operators"}},
        "roles": {"start": "operators", "operate": "operators"},
    }
    below = as_procedure(BELOW, name="below", **options)
    made = [
        below,
        as_procedure(STORY, {"llm_call": llm}, name="story", workflows={"below": below}, **options),
        as_procedure(of(count=count), name="counted", **options),
    ]
    vars(module).update({each.name: each for each in made})
    with procedures_of(MODULE):
        for each in made:
            registry.register(each)
        yield Working(by=dave)
    del sys.modules[MODULE]
    broken.clear()


def test_a_run_is_told_as_it_goes_from_wait_to_wait(runtime: Working) -> None:
    run_id = runtime.start(workflow="story", vars={"of": {"n": 1}}, actor_id="ar_1")
    assert runtime.get_state(run_id).status == RunStatus.RUNNING

    state = runtime.tick(run_id=run_id)
    assert state.waiting
    assert (state.status, state.waiting.reason) == (RunStatus.WAITING, WaitReason.USER)
    assert (state.waiting.prompt, state.waiting.choices) == ("Which?", ["a", "b"])
    assert (state.current_node, state.actor_id) == ("ask", "ar_1")

    refused: dict[str, Any] = {
        "wait_key mismatch": {"wait_key": "other", "payload": {"response": "a"}},
        "exactly one key": {"payload": {"x": 1, "y": 2}},
    }
    for words, given in refused.items():
        with pytest.raises(ValueError, match=words):
            runtime.resume(run_id=run_id, **given)

    state = runtime.resume(run_id=run_id, wait_key=state.waiting.wait_key, payload={"choice": "b"})
    assert state.vars["of"] == {"n": 1, "pick": {"response": "b", "responder": "dave"}}
    assert state.waiting
    assert (state.waiting.wait_key, state.waiting.resume_to_node) == ("evt:paid", "nap")


def test_a_run_waits_for_its_child_and_goes_on_by_itself(runtime: Working) -> None:
    run_id = runtime.start(workflow="story", vars={"of": {"n": 1}})
    runtime.tick(run_id=run_id)
    runtime.resume(run_id=run_id, payload={"choice": "b"})
    state = runtime.resume(run_id=run_id, wait_key="evt:paid", payload={"amount": 5, "by": "x"})
    assert state.waiting
    assert state.waiting.details
    child = state.waiting.details["sub_run_id"]
    assert state.waiting.details["sub_waiting"]["reason"] == "user"
    assert state.vars["paid"] == {"amount": 5, "by": "x"}
    assert state.vars["woken"]["ready"] is True
    with pytest.raises(ValueError, match="is waiting for its child"):
        runtime.resume(run_id=run_id, payload={"a": 1})

    runtime.resume(run_id=child, payload={"response": "yes"})
    assert runtime.get_state(child).status == "completed"
    state = runtime.tick(run_id=run_id)
    assert state.status == RunStatus.COMPLETED
    assert state.output == state.vars
    assert state.vars["told"] == {"name": "news", "delivered_to": []}
    assert state.vars["sub"]["output"]["got"]["response"] == "yes"
    assert runtime.get_state(child).parent_run_id == run_id
    with pytest.raises(ValueError, match="not waiting"):
        runtime.resume(run_id=run_id, payload={"a": 1})

    ledger = runtime.get_ledger(run_id)
    assert [(one["node_id"], one["status"]) for one in ledger] == [
        *(("ask", "waiting"), ("ask", "completed")),
        *(("event", "waiting"), ("event", "completed"), ("call", "completed")),
        *(("child", "waiting"), ("child", "completed"), ("end", "completed")),
    ]
    assert ledger[4]["effect"]["type"] == "llm_call"
    assert len({one["record_hash"] for one in ledger}) == len(ledger)


def test_values_that_are_stored_outside_the_journal_are_read_too(runtime: Working) -> None:
    much = "x" * 100_000
    run_id = runtime.start(workflow="story", vars={"of": {"n": 1}, "much": much})
    assert runtime.tick(run_id=run_id).vars["much"] == much
    runtime.resume(run_id=run_id, payload={"choice": "b"})

    state = runtime.resume(run_id=run_id, wait_key="evt:paid", payload={"letter": much})

    assert state.vars["paid"] == {"letter": much}


def test_a_failed_handler_is_told_and_so_is_its_error(runtime: Working) -> None:
    broken.append("The model is away.")
    run_id = runtime.start(workflow="story")
    runtime.tick(run_id=run_id)
    runtime.resume(run_id=run_id, payload={"response": "a"})

    state = runtime.resume(run_id=run_id, payload={})

    assert state.status == RunStatus.FAILED
    assert "The model is away." in str(state.error)
    assert runtime.get_ledger(run_id)[-1]["status"] == "failed"


def test_an_event_is_taken_once_whoever_sends_it(runtime: Working, dave: User) -> None:
    class Idle(Runtime):
        patience = timedelta(0)

    run_id = runtime.start(workflow="story")
    runtime.tick(run_id=run_id)
    runtime.resume(run_id=run_id, payload={"response": "a"})
    idle = Idle(by=dave)

    first = idle.resume(run_id=run_id, payload={"n": 1})
    with pytest.raises(ValueError, match=r"not waiting|already"):
        idle.resume(run_id=run_id, payload={"n": 2})

    assert first.status == RunStatus.RUNNING
    assert runtime.tick(run_id=run_id).vars["paid"] == {"n": 1}


def test_limits_are_told_and_changed_for_one_run(runtime: Working) -> None:
    run_id = runtime.start(workflow="counted", vars={})
    state = runtime.tick(run_id=run_id)
    assert runtime.get_limit_status(run_id)["iterations"] == {
        "current": 1,
        "max": 25,
        "pct": 4.0,
        "warning": False,
    }
    assert runtime.check_limits(state) == []

    runtime.update_limits(run_id, {"max_iterations": 2, "other": 1})
    status = runtime.get_limit_status(run_id)["iterations"]
    assert (status["max"], status["pct"]) == (2, 50.0)
    runtime.update_limits(run_id, {"warn_iterations_pct": 50})
    assert runtime.get_limit_status(run_id)["iterations"]["warning"] is True

    state = runtime.resume(run_id=run_id, payload={"response": "yes"})
    assert (state.status, state.output) == (RunStatus.COMPLETED, {"turns": 2})
    [warning] = runtime.check_limits(state)
    assert (warning.limit_type, warning.status, warning.pct) == ("iterations", "exceeded", 100.0)
    with pytest.raises(ValueError, match="ended"):
        runtime.update_limits(run_id, {"max_iterations": 9})


def test_a_cancelled_run_stays_cancelled_with_its_child_and_its_reason(runtime: Working) -> None:
    run_id = runtime.start(workflow="story")
    runtime.tick(run_id=run_id)
    runtime.resume(run_id=run_id, payload={"response": "a"})
    waiting = runtime.resume(run_id=run_id, payload={"n": 1}).waiting
    assert waiting
    assert waiting.details

    state = runtime.cancel_run(run_id, reason="Too late")

    work_off()
    assert (state.status, state.error, state.waiting) == (RunStatus.CANCELLED, "Too late", None)
    assert runtime.get_state(waiting.details["sub_run_id"]).status == RunStatus.CANCELLED
    assert runtime.tick(run_id=run_id).status == RunStatus.CANCELLED
    assert runtime.cancel_run(run_id).error == "Too late"


def test_a_snapshot_keeps_where_a_run_stood_and_asks_nobody(runtime: Working) -> None:
    run_id = runtime.start(workflow="story", vars={"n": 1})
    runtime.tick(run_id=run_id)
    runtime.resume(run_id=run_id, payload={"response": "a"})

    kept = runtime.save_snapshot(run_id, "before paying")

    assert runtime.save_snapshot(run_id, "before paying") == kept
    assert runtime.list_snapshots(run_id) == [kept]
    runtime.resume(run_id=run_id, payload={"n": 1})
    work_off()
    assert Run.objects.get(pk=kept.snapshot_id).status == "paused"
    state = runtime.tick(run_id=runtime.restore_snapshot(kept.snapshot_id))
    assert state.waiting
    assert (state.vars["of"]["pick"]["response"], state.waiting.wait_key) == ("a", "evt:paid")
    with pytest.raises(ValueError, match="Only a waiting run"):
        runtime.save_snapshot(runtime.start(workflow="story"), "early")


def test_others_see_nothing_of_the_runs(runtime: Working) -> None:
    run_id = runtime.start(workflow="story")
    stranger = create_person("eve", group("strangers"))

    with pytest.raises(KeyError, match="was not found"):
        Runtime(by=stranger).get_state(run_id)
    with pytest.raises(KeyError, match="was not found"):
        runtime.get_state(str(uuid4()))
    with pytest.raises(ValueError, match="by="):
        Runtime().get_state(run_id)
