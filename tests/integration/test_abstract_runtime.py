"""AbstractRuntime's examples and tests over our engine: Django's store and a worker's code.

Without a checkout of it, named by ABSTRACTRUNTIME, they are skipped.
"""

from contextlib import suppress
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from procedures.testing import RehearsedRun, crash_test, script
from tests import abstract_runtime as theirs
from tests.checkouts import Test
from tests.programs.runtime_cases import BESIDE

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        not theirs.CHECKOUT, reason="ABSTRACTRUNTIME names no checkout of AbstractRuntime."
    ),
]
OWN_STORE = "reads or changes a store of its own behind the runtime; ours keeps runs itself"
PARENT = (
    "expects a parent to wait until somebody resumes it although its child has ended (seed: the "
    "parent of an answered child is never woken)"
)
CLOCK = "counts the calls of time.sleep in its own process; our pauses hold no worker"
TICKED = (
    "expects a run to stand still unless a process of its caller looks for what is due (seed: a run"
    " goes on only while somebody ticks it); here, the site's clock and workers carry it on"
)
WORDS = "expects the words of an error message"
EXCEPTIONS = {
    "test_file_persistence_pause_resume": "gives an answer under a name of its own; people answer"
    " the question on pages, too, so the answer always has the name 'response'",
    "test_async_parent_continues_immediately": "expects a child to do nothing until its caller"
    " drives it (seed: runs go on only while a process ticks them); ours is done by the workers",
    "test_scheduled_runtime_subworkflow_with_respond": PARENT,
    "test_auto_resume_parent_on_child_complete": PARENT,
    "test_list_children": OWN_STORE,
    "test_cancel_with_children": f"{OWN_STORE}; the child is cancelled, too",
    "test_cancel_with_nested_children": f"{OWN_STORE}; the children are cancelled, too",
    "test_missing_registry_fails": f"{WORDS}; ours says that there is no such procedure",
    "test_retry_exhausted": f"{WORDS}; ours tells the handler's own error",
    "test_backoff_called_between_retries": CLOCK,
    "test_success_on_first_attempt": CLOCK,
    "test_skip_reexecution_on_restart": f"{OWN_STORE}: it sends a run back to an earlier node and"
    " expects the effect there not to be done (seed: the same effect in a loop executes once)",
    "test_ledger_records_idempotency_key": OWN_STORE,
    "test_ledger_records_attempt_number": OWN_STORE,
    "test_file_ledger_persists_retry_fields": OWN_STORE,
    "test_find_waiting_runs": OWN_STORE,
    "test_scheduled_runtime_find_waiting_runs": OWN_STORE,
    "test_poll_once_resumes_due_wait_until": f"{OWN_STORE}: it moves the time in its store",
    "test_set_artifact_store": "gives the runtime a store of files; here, the site has one",
    "test_background_polling_resumes_wait_until": TICKED,
    "test_create_scheduled_runtime_auto_start": TICKED,
    "test_scheduled_runtime_zero_config": TICKED,
    "test_start_and_stop": TICKED,
    "test_start_twice_raises": TICKED,
    "test_tool_calls_persist_and_continue_across_restart": TICKED,
    "test_abstractcore_tool_executor_executes_registered_tool": "tests the package abstractcore",
}
"""Their tests that must fail here, and why; for a fault of the seed, which one."""

ANSWERS = {
    "02_ask_user": ("Ann", "1"),
    "05_persistence": ("hello",),
}
"""The texts that are typed at the prompts of the examples."""
PRINTED = {
    "01_hello_world": "Output: {'message': 'Hello from AbstractRuntime!'}",
    "02_ask_user": "'message': 'Great choice, Ann! Workflows are durable state machines.'",
    "03_wait_until": "'message': 'Woke up on schedule!'",
    "04_multi_step": "'summary': 'Processed 5 items'",
    "05_persistence": "'user_message': 'hello'",
    "06_llm_integration": "Fact: Offline: Give me one interesting fact about durable workflows.",
    "07_react_agent": "Offline: two files in .",
}
"""A part of what each example prints."""
PEOPLE = script({"What is your name?": "Ann", "Hello*": "Exit", "Enter*": "hi", "limits": None})


@pytest.mark.parametrize("name", PRINTED)
def test_their_example_prints_what_it_should(name: str, admin_user: User, tmp_path: Path) -> None:
    with theirs.loaded(by=admin_user):
        if name == "05_persistence":  # it is run twice
            theirs.run_example(name, tmp_path)
        lines = theirs.run_example(name, tmp_path, *ANSWERS.get(name, ()))

    assert any(PRINTED[name] in line for line in lines), lines


@pytest.mark.parametrize("name", PRINTED)
def test_their_example_ends_the_same_wherever_its_worker_is_killed(
    name: str, tmp_path: Path
) -> None:
    def outcome(run: RehearsedRun) -> object:
        kept = dict(run.result or {})
        for of_the_clock in ("scheduled_for", "actual_time"):
            kept.pop(of_the_clock, None)
        return run.status, kept

    with theirs.modules_of_theirs():
        made, values = theirs.program_of(name, tmp_path)
        report = crash_test(made, {"vars": values}, humans=PEOPLE, outcome=outcome)

    assert report.undisturbed.status == "succeeded", report.undisturbed.error


@pytest.mark.parametrize("test", theirs.tests(), ids=lambda test: test[2])
def test_their_test_holds(test: Test, admin_user: User) -> None:
    with theirs.loaded(by=admin_user):
        why = EXCEPTIONS.get(test[2])
        if why == CLOCK:  # other threads of this process sleep, too, and may make up the count
            with suppress(AssertionError):
                theirs.run_test(test)
        elif why:
            with pytest.raises(BaseException):  # noqa: B017, PT011 (whatever the test asserts)
                theirs.run_test(test)
        else:
            theirs.run_test(test)


def test_each_of_their_other_tests_has_a_reason_and_a_test_of_ours() -> None:
    found = {
        f"{file} {of}" if f"{file} {of}" in BESIDE else file
        for file, of, _ in theirs.tests_beside()
    }

    assert found == BESIDE.keys()


def test_every_exception_is_one_of_their_tests() -> None:
    assert {*EXCEPTIONS} <= {name for *_, name in theirs.tests()}
