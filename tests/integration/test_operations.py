"""Answers of pause, unpause and force end to operators in every state, beside the refusals."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.dispatch import Signal

from chat.models import HumanRequest
from chat.services import Answer, respond
from procedures import hooks
from procedures.journal import claim
from procedures.models import Run
from procedures.models.clock import clock
from procedures.runner import advance_run
from procedures.services import (
    OperationRefusedError,
    cancel_run,
    force_end_run,
    pause_run,
    retry_run,
    start_run,
    sweep,
    unpause_run,
    verify_journal,
)
from tests import procedures
from tests.calls import request_of, run_until_it_waits
from tests.runs import everything_about, status_of

Verb = Callable[..., str]
VERBS: dict[str, Verb] = {
    "pause": pause_run,
    "unpause": unpause_run,
    "force_end": force_end_run,
    "cancel": cancel_run,
    "retry": retry_run,
}


@pytest.fixture(autouse=True)
def nothing_happened() -> None:
    procedures.forget()


def queued(name: str, **inputs: object) -> Run:
    return start_run(name, inputs, by=None)[0]


def worked_on() -> Run:
    run = queued("two_steps")
    assert claim(run.pk)
    return run


def lost() -> Run:
    run = worked_on()
    clock.ahead += timedelta(minutes=1)
    return run


def quarantined() -> Run:
    run = queued("two_steps")
    Run.objects.filter(pk=run.pk).update(status="quarantined")
    return run


STATES: dict[str, Callable[[], Run]] = {
    "queued": lambda: queued("two_steps"),
    "running": worked_on,
    "lost": lost,
    "waiting": lambda: run_until_it_waits("question"),
    "retrying": lambda: run_until_it_waits("flaky", failures=1, backoff="1h"),
    "paused": lambda: run_until_it_waits("question"),
    "pausing": worked_on,
    "cancelling": worked_on,
    "quarantined": quarantined,
    "failed": lambda: run_until_it_waits("flaky", failures=1, attempts=1),
    "cancelled": lambda: queued("two_steps"),
    "succeeded": lambda: run_until_it_waits("two_steps"),
}


REFUSED = {
    "pause": {
        "paused": "already paused",
        "pausing": "already pending",
        "cancelling": "being cancelled",
        "quarantined": "does nothing until it is retried",
        "failed": r"already ended \(failed",
        "cancelled": r"already ended \(cancelled",
        "succeeded": r"already ended \(succeeded",
    },
    "unpause": dict.fromkeys(
        STATES.keys() - {"paused", "pausing"}, "This run isn't paused; it is "
    ),
    "force_end": {
        "failed": r"already ended \(failed",
        "cancelled": r"already ended \(cancelled",
        "succeeded": r"already ended \(succeeded",
    },
    "cancel": {
        "cancelling": "already being cancelled",
        "failed": r"already ended \(failed",
        "cancelled": r"already ended \(cancelled",
        "succeeded": r"already ended \(succeeded",
    },
    "retry": dict.fromkeys(
        STATES.keys() - {"failed", "quarantined"},
        "Only a failed or quarantined run",
    ),
}
BECOMES = {
    "pause": {"running": "running"},
    "unpause": {"pausing": "running"},
    "cancel": {"running": "running", "pausing": "running"},
}
DONE = {"pause": "paused", "unpause": "waiting", "force_end": "cancelled", "cancel": "cancelled"}


def run_that_is(state: str, by: User) -> Run:
    run = STATES[state]()
    if state.startswith("paus"):
        pause_run(run.pk, by=by, reason="Wait.")
    if state.startswith("cancel"):
        cancel_run(run.pk, by=by, reason="Stop.")
    return run


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_in_every_state(dave: User, verb: str, state: str) -> None:
    run = run_that_is(state, dave)
    before = status_of(run), [*everything_about(run), *run.run_inputs.values()]

    if words := REFUSED[verb].get(state):
        with pytest.raises(OperationRefusedError, match=words):
            VERBS[verb](run.pk, by=dave, reason="So it is.")
        assert (status_of(run), [*everything_about(run), *run.run_inputs.values()]) == before
        return
    assert VERBS[verb](run.pk, by=dave, reason="So it is.")
    becomes = BECOMES.get(verb, {}).get(state) or DONE.get(verb, "queued")
    assert status_of(run) == becomes
    noted = run.run_inputs.filter(kind="operator", name=verb)
    assert "So it is." in noted.get().data
    kept = run.events.filter(kind="operator", name=verb).count()
    assert kept == (becomes not in {"running", "queued"})
    assert verify_journal(run) == []


@pytest.mark.parametrize("verb", ["pause", "unpause", "force_end"])
def test_nothing_is_done_without_a_reason(dave: User, verb: str) -> None:
    run = run_that_is("paused" if verb == "unpause" else "waiting", dave)
    before = everything_about(run)

    with pytest.raises(OperationRefusedError, match="Give a reason"):
        VERBS[verb](run.pk, by=dave, reason=" ")

    assert everything_about(run) == before


def test_what_a_paused_run_asks_can_be_answered(dave: User, admin_user: User) -> None:
    run = run_that_is("paused", dave)

    respond(request_of(run).pk, Answer(value=True), by=admin_user)
    sweep()
    advance_run(run.pk)
    assert status_of(run) == "paused"

    assert unpause_run(run.pk, by=dave, reason="Now.") == "The run continues."
    advance_run(run.pk)
    assert status_of(run) == "succeeded"


def test_a_run_that_is_unpaused_waits_again_for_what_it_waited_for(dave: User) -> None:
    run = run_that_is("paused", dave)

    assert unpause_run(run.pk, by=dave, reason="Now.") == "The run is waiting again."
    assert run.waits.open().count() == 1


def test_a_pause_tells_of_the_children_that_go_on(dave: User) -> None:
    run = run_until_it_waits("mapping", numbers=[1, 2, 3], at_most=2)

    assert pause_run(run.pk, by=dave, reason="Wait.") == (
        "The run is paused. Its 2 child runs continue."
    )


def test_a_cancel_that_ends_a_pause_says_so(dave: User) -> None:
    run = run_until_it_waits("compensating")
    pause_run(run.pk, by=dave, reason="Wait.")

    told = cancel_run(run.pk, by=dave, reason="Enough.")

    assert told == "The run is no longer paused: it undoes its work, then ends."
    advance_run(run.pk)
    assert status_of(run) == "cancelled"


def test_a_force_end_says_what_it_leaves_behind(dave: User) -> None:
    family = run_until_it_waits("mapping", numbers=[1, 2, 3], at_most=2)
    undoing, at_work = run_until_it_waits("compensating"), run_that_is("running", dave)

    told = [force_end_run(run.pk, by=dave, reason="At once.") for run in (family, undoing, at_work)]

    assert told == [
        "The run and its 2 descendants have ended.",
        "The run has ended. The run's work won't be undone.",
        "The run has ended. The step in progress may still take effect, but its result won't be "
        "stored.",
    ]


def refuse(**_: object) -> None:
    raise ValueError("The ledger is closed.")


@pytest.mark.parametrize("hook", [hooks.run_ended, hooks.wait_closed])
def test_a_run_ends_by_force_although_something_above_refuses(
    dave: User, hook: Signal, caplog: pytest.LogCaptureFixture
) -> None:
    run = run_until_it_waits("question")
    hook.connect(refuse)
    try:
        with pytest.raises(OperationRefusedError, match="ledger is closed"):
            cancel_run(run.pk, by=dave, reason="Enough.")
        force_end_run(run.pk, by=dave, reason="At once.")
    finally:
        hook.disconnect(refuse)

    assert status_of(run) == "cancelled"
    assert not run.waits.open().exists()
    assert "ledger is closed" in caplog.text
    assert verify_journal(run) == []


def test_a_force_end_closes_what_is_asked_and_is_told_by_whom(dave: User) -> None:
    run = run_until_it_waits("question")

    force_end_run(run.pk, by=dave, reason="At once.")

    assert not HumanRequest.objects.open().exists()
    kinds = list(run.events.order_by("-seq").values_list("kind", flat=True)[:2])
    assert kinds == ["run.cancelled", "operator"]
