"""The context that steps of graphs get, with the methods of a `WorkflowContext`."""

from dataclasses import replace
from datetime import UTC, datetime

from programs.graphs import GraphContext, StepExecution

AT = datetime(2026, 11, 30, tzinfo=UTC)
FIRST = StepExecution("check", "succeeded", AT, result=1)
SECOND = StepExecution("check", "succeeded", AT, result=2)
CONTEXT = GraphContext(
    workflow_id="refund",
    instance_id="7",
    data={"amount": 3},
    metadata={},
    current_step="pay",
    step_history=[FIRST, SECOND, StepExecution("review", "skipped", AT)],
    started_at=AT,
)


def test_the_newest_execution_of_a_step_is_found() -> None:
    assert CONTEXT.get_last_execution("check") is SECOND
    assert CONTEXT.get_last_execution() == StepExecution("review", "skipped", AT)
    assert CONTEXT.get_last_execution("pay") is None


def test_a_skipped_step_counts_as_executed() -> None:
    assert CONTEXT.has_step_executed("review")
    assert not CONTEXT.has_step_executed("pay")


def test_hidden_values_are_read_before_the_data_and_not_set() -> None:
    context = replace(CONTEXT, data={}, _hidden={"amount": 4})

    context.set("order", "A-7")

    assert (context.get("amount"), context.get("order"), context.get("who", "-")) == (4, "A-7", "-")
    assert context.data == {"order": "A-7"}


def test_the_context_of_another_step_has_the_same_data() -> None:
    other = CONTEXT.with_step("send")

    assert (other.current_step, CONTEXT.current_step) == ("send", "pay")
    assert other.data is CONTEXT.data
