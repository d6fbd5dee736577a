"""litestar-workflows' own tests and examples, over our engine: Django's store and a worker's code.

Without a checkout of it, named by LITESTAR_WORKFLOWS, they are skipped.
"""

from typing import Any

import pytest
from django.contrib.auth.models import User

from procedures.testing import crash_test, run_procedure, script
from programs.graphs import definition_graph
from tests import litestar
from tests.checkouts import Test
from tests.conftest import create_person, group

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        not litestar.CHECKOUT,
        reason="LITESTAR_WORKFLOWS names no checkout of litestar-workflows.",
    ),
]
EXCEPTIONS = {
    "test_complete_human_task_validation_errors": "changes the instance it got from the engine and"
    " expects the engine to believe it; ours asks the database (seed: running instances are kept in"
    " the memory of one process, and lost on exit)",
    "test_parallel_execution_with_missing_step": "expects a run to be completed although a parallel"
    " step of it is missing (seed: after parallel branches the run is marked complete)",
    "test_exception_in_workflow_loop": "replaces a private method in the loop of the engine, which"
    " runs in the process that asks (seed: running instances are lost on exit); our steps are done"
    " by workers",
}
"""Their tests that must fail here, and why: the fault that each of them asserts."""

INPUTS: dict[str, dict[str, Any]] = {
    "order_processing": {"order_id": "A-7", "items": ["cup"], "amount": 31},
    "document_approval": {"document_id": "D-1", "submitter": "ann", "title": "Budget"},
    "approval_workflow": {"request_data": {"days": 3}},
    "simple_workflow": {},
}
"""The definitions in their examples, with data to start them."""
ENDS: dict[str, dict[str, Any]] = {
    "order_processing": {"tracking_number": "TRACK-A-7", "payment_id": "PAY-A-7"},
    "document_approval": {
        "document_status": "rejected",
        "rejection_reason": "No.",
        "notification_sent": True,
    },
    "approval_workflow": {"final_status": "approved"},
    "simple_workflow": {"simple_executed": True},
}
"""Some of the data that each of them must end with."""
PEOPLE = script({"review_document": {"decision": "reject", "comments": "No."}})


@pytest.fixture
def people(admin_user: User) -> User:
    """The people whom the tests name, who may all answer, and the user for whom the engine acts."""
    for name in ("user1", "test_user", "approver_123"):
        create_person(name, group("answerers")).is_superuser = True
        User.objects.filter(username=name).update(is_superuser=True)
    return admin_user


@pytest.mark.parametrize("test", litestar.tests(), ids=lambda test: test[2])
def test_their_test_holds(test: Test, people: User) -> None:
    with litestar.loaded(by=people):
        if test[2] in EXCEPTIONS:
            with pytest.raises((AssertionError, pytest.fail.Exception)):
                litestar.run_test(test)
        else:
            litestar.run_test(test)


@pytest.mark.parametrize("name", INPUTS)
def test_their_example_ends_as_it_says_also_wherever_its_worker_is_killed(
    name: str, people: User
) -> None:
    with litestar.loaded(by=people):
        found = {one.get_definition().name: one for one in litestar.definitions()}
        assert found.keys() == INPUTS.keys()
        made, inputs = definition_graph(found[name]), {"data": INPUTS[name]}

        run = run_procedure(made, inputs, humans=PEOPLE)

        assert run.status == "succeeded"
        assert run.result == {**run.result, **ENDS[name]}
        crash_test(made, inputs, humans=PEOPLE)


def test_after_their_human_step_the_run_continues_with_what_was_answered(people: User) -> None:
    with litestar.loaded(by=people):
        [flow] = [one for one in litestar.definitions() if "Document" in one.__name__]
        instance = litestar.carry_out(
            flow, INPUTS["document_approval"], {"decision": "reject", "comments": "No."}
        )

    assert instance.status == "completed"
    assert instance.context.data == {**instance.context.data, **ENDS["document_approval"]}
    steps = [one.step_name for one in instance.context.step_history]
    assert steps[-2:] == ["reject_document", "notify_submitter"]
    assert instance.context.user_id == "user1"


def test_few_of_their_tests_are_exceptions() -> None:
    every = [name for *_, name in litestar.tests()]

    assert {*EXCEPTIONS} <= {*every}
    assert len(EXCEPTIONS) <= 0.2 * len(every)
