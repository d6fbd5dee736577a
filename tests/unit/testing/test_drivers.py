"""Drivers of one's own: code written for the names that agent programs know, called directly."""
# ruff: noqa: FBT003 (answers, and defaults as such programs write them)

import json
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from dashboard.environment.variables import CHECKOUT
from procedures.engine.errors import AnswerError, EngineError
from procedures.testing import (
    LOCAL_RUNS,
    LocalExecutionContext,
    LocalRuns,
    ProcedureWaitingForHuman,
)
from tests.documents import examples
from tests.unit.testing.drivers import Driver, Program

[EXAMPLE] = examples(CHECKOUT / "docs" / "driver.md")
NAMES: dict[str, Any] = {"__name__": "driver_document"}
exec(compile(EXAMPLE.source, "docs/driver.md", "exec"), NAMES)  # noqa: S102 (our own document)


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("test_")])
def test_the_example_of_the_document_holds(name: str) -> None:
    NAMES[name]()


def deletions(did: list[str]) -> Program:
    def program(ctx: LocalExecutionContext) -> list[str]:
        for what in ("test data", "production"):
            if ctx.wait_for_human("approval", f"Delete {what}?", None, False, None, {}).value:
                ctx.step_run(f"delete {what}", partial(did.append, what))
        return did

    return program


def test_an_answer_is_given_to_its_own_question_only() -> None:
    did: list[str] = []
    driver = Driver(deletions(did))

    first = driver.pending()
    assert driver.pending() == first
    driver.runs.respond(first, True)
    second = driver.pending()

    assert second != first
    assert did == ["test data"]
    driver.runs.respond(second, value=False)
    assert driver.run() == ["test data"]
    assert did == ["test data"]


def test_a_step_is_done_once_and_its_checkpoint_is_found_on_every_run() -> None:
    did: list[int] = []

    def act() -> int:
        did.append(len(did))
        return len(did)

    def program(ctx: LocalExecutionContext) -> list[Any]:
        before = ctx.checkpoint_exists("count")
        count = ctx.step_run("count", act)
        kept = [ctx.checkpoint_exists("count"), ctx.checkpoint_get("count"), count]
        ctx.wait_for_human("input", "Name?", None, None, None, {})
        return [before, *kept, ctx.checkpoint_get("nothing")]

    driver = Driver(program)
    driver.runs.respond(driver.pending(), "bob")

    assert driver.run() == [False, True, 1, 1, None]
    assert did == [0]


def test_clearing_forgets_the_name_and_what_came_after_it() -> None:
    def program(ctx: LocalExecutionContext) -> list[list[bool]]:
        names, seen = ["one", "two", "three"], []
        for name in names:
            ctx.step_run(name, lambda: 1)
        for clear in (partial(ctx.checkpoint_clear_after, "two"), ctx.checkpoint_clear_all):
            clear()
            seen.append([ctx.checkpoint_exists(name) for name in names])
            assert [*ctx.metadata["checkpoints"]] == [n for n in names if ctx.checkpoint_exists(n)]
        ctx.wait_for_human("approval", "Go on?", None, False, None, {})
        return seen

    driver = Driver(program)
    driver.runs.respond(driver.pending(), True)

    assert driver.run() == [[True, False, False], [False] * 3]


ANSWERS = [
    ("approval", {}, True, True),
    ("approval", {}, {"approved": False}, False),
    ("input", {}, "Thursday", "Thursday"),
    ("input", {}, {"input": "Thursday"}, "Thursday"),
    ("escalation", {}, "Restarted.", "Restarted."),
    (
        "review",
        {"artifact": "Dear bob"},
        {"decision": "approved", "feedback": "So.", "edited_artifact": "Dear Bob"},
        {"decision": "approved", "feedback": "So.", "edited_artifact": "Dear Bob"},
    ),
    (
        "review",
        {"artifact": {"total": 7}},
        {"decision": "approved", "edited_artifact": {"total": 8}},
        {"decision": "approved", "feedback": "", "edited_artifact": {"total": 8}},
    ),
    (
        "review",
        {"artifact": "Dear bob"},
        {"decision": "rejected", "feedback": "No."},
        {"decision": "rejected", "feedback": "No.", "edited_artifact": None},
    ),
]


@pytest.mark.parametrize(("kind", "metadata", "reply", "value"), ANSWERS)
def test_answers_come_as_values_or_as_messages_hold_them(
    kind: str, metadata: dict[str, Any], reply: Any, value: Any
) -> None:
    driver = Driver(lambda ctx: ctx.wait_for_human(kind, "Well?", None, None, None, metadata))

    driver.runs.respond(driver.pending(), reply, by="ann")

    said = driver.run()
    assert (said.value, said.timed_out, said.responder) == (value, False, "ann")
    assert said.responded_at == driver.runs.clock.isoformat()


def test_the_options_of_a_review_are_its_decisions() -> None:
    options = [{"label": "Send", "type": "go"}, {"label": "Request changes"}]
    driver = Driver(lambda ctx: ctx.wait_for_human("review", "Well?", None, None, options, {}))

    with pytest.raises(AnswerError, match="Choose one of: go, request_changes"):
        driver.runs.respond(driver.pending(), {"decision": "approved"})
    driver.runs.respond(driver.pending(), {"decision": "request_changes"}, comment="Shorter.")

    assert driver.run().value["decision"] == "request_changes"
    assert driver.run().value["feedback"] == "Shorter."


def test_an_answer_that_does_not_fit_is_refused_and_the_question_stays_open() -> None:
    driver = Driver(lambda ctx: ctx.wait_for_human("approval", "Well?", None, None, None, {}).value)
    message = driver.pending()

    with pytest.raises(AnswerError, match="yes or no"):
        driver.runs.respond(message, "perhaps")
    with pytest.raises(AnswerError, match="no message 'elsewhere'"):
        driver.runs.respond("elsewhere", True)
    assert driver.pending() == message

    driver.runs.respond(message, True)
    with pytest.raises(AnswerError, match="was answered or has expired"):
        driver.runs.respond(message, value=False)
    assert driver.run() is True


def test_a_timeout_takes_effect_by_time_alone_and_says_so() -> None:
    driver = Driver(lambda ctx: ctx.wait_for_human("input", "Name?", 60, "nobody", None, {}))
    message = driver.pending()

    driver.runs.travel(59)
    assert driver.pending() == message
    driver.runs.travel("1s")

    said = driver.run()
    assert (said.value, said.timed_out, said.responder) == ("nobody", True, "system: deadline")
    with pytest.raises(AnswerError, match="was answered or has expired"):
        driver.runs.respond(message, "bob")


def test_a_sleep_lasts_its_time_once() -> None:
    def program(ctx: LocalExecutionContext) -> str:
        ctx.sleep(3600)
        ctx.wait_for_human("approval", "Go on?", None, False, None, {})
        ctx.sleep(0)
        return str(ctx.step_run("done", lambda: "done"))

    driver = Driver(program)
    began = driver.runs.clock
    message = driver.pending()
    assert (driver.runs.clock - began).total_seconds() == 3600
    driver.runs.respond(message, True)

    assert driver.run() == "done"
    assert (driver.runs.clock - began).total_seconds() == 3600


def test_an_exception_of_a_step_arrives_as_itself_also_on_the_next_run() -> None:
    did: list[str] = []

    def act() -> int:
        did.append("failed")
        return int("x")

    def program(ctx: LocalExecutionContext) -> str:
        try:
            ctx.step_run("fail", act)
        except ValueError as error:
            ctx.wait_for_human("approval", str(error), None, False, None, {})
            return type(error).__name__
        return "nothing"

    driver = Driver(program)
    driver.runs.respond(driver.pending(), True)

    assert driver.run() == "ValueError"
    assert did == ["failed"]


def test_code_that_catches_the_exception_goes_no_further() -> None:
    def program(ctx: LocalExecutionContext) -> str:
        with suppress(Exception):
            ctx.wait_for_human("approval", "Delete it?", None, False, None, {})
        ctx.step_run("delete", lambda: did.append("deleted"))
        return "deleted"

    did: list[str] = []
    driver = Driver(program)

    driver.pending()
    with pytest.raises(ProcedureWaitingForHuman):
        driver.context.complete("deleted")

    assert did == []


def test_the_metadata_is_one_document_of_checkpoints_and_state() -> None:
    def program(ctx: LocalExecutionContext) -> None:
        ctx.step_run("draft", lambda: {"to": "bob"})
        ctx.state["legs"] = 2
        ctx.state.increment("legs", 1)
        ctx.wait_for_human("approval", "Go on?", None, False, None, {})

    driver = Driver(program)
    driver.pending()
    driver.pending()

    at = driver.runs.clock.isoformat()
    kept = {"draft": {"result": {"to": "bob"}, "completed_at": at}}
    assert driver.context.metadata == {"checkpoints": kept, "state": {"legs": 3}}
    assert json.dumps(driver.context.metadata)


def test_a_session_has_its_own_questions_and_a_run_one_session() -> None:
    driver = Driver(lambda ctx: ctx.wait_for_human("approval", "Go on?", None, False, None, {}))
    for procedure_id, session_id in (("p-1", "s-1"), ("p-2", "s-2")):
        with pytest.raises(ProcedureWaitingForHuman):
            driver.run(procedure_id, session_id)

    assert [one.procedure_id for one in driver.runs.pending()] == ["p-1", "p-2"]
    [only] = driver.runs.pending("s-2")
    assert (only.procedure_id, only.session_id, only.asked.kind) == ("p-2", "s-2", "approval")
    with pytest.raises(ValueError, match="belongs to the session 's-1'"):
        driver.run("p-1", "s-2")


def test_without_runs_all_drivers_of_a_process_share_some() -> None:
    def program(ctx: LocalExecutionContext) -> Any:
        return ctx.wait_for_human("approval", "Shared?", None, False, None, {}).value

    with pytest.raises(ProcedureWaitingForHuman) as caught:
        program(LocalExecutionContext("shared", "s-1"))
    LOCAL_RUNS.respond(caught.value.pending_message_id, True)

    assert program(LocalExecutionContext("shared", "s-1")) is True
    with pytest.raises(ProcedureWaitingForHuman):
        program(LocalExecutionContext("shared", "s-1", LocalRuns()))


def test_the_status_follows_the_run_and_an_end_is_kept() -> None:
    driver = Driver(deletions([]))
    first = driver.pending()
    assert driver.runs.status("p-1") == "WAITING_FOR_HUMAN"
    driver.runs.respond(first, value=False)
    driver.runs.respond(driver.pending(), value=False)

    driver.run()
    assert driver.runs.status("p-1") == "RUNNING"
    driver.context.complete({"deleted": []})

    assert driver.runs.status("p-1") == "COMPLETED"
    assert driver.runs.runs["p-1"].result == '{"deleted":[]}'
    with pytest.raises(ValueError, match="is complete"):
        driver.run()
    with pytest.raises(EngineError, match="has ended"):
        driver.context.checkpoint_get("anything")
    with pytest.raises(KeyError):
        driver.runs.status("p-9")


def test_an_older_context_of_the_same_run_keeps_nothing_more() -> None:
    runs = LocalRuns()
    older = LocalExecutionContext("p-1", "s-1", runs)
    LocalExecutionContext("p-1", "s-1", runs)

    with pytest.raises(EngineError, match=r"p-1 can't continue\. Fenced"):
        older.step_run("late", lambda: 1)
    older = LocalExecutionContext("p-1", "s-1", runs)
    LocalExecutionContext("p-1", "s-1", runs)
    with pytest.raises(EngineError, match=r"p-1 can't continue\. Fenced"):
        older.wait_for_human("approval", "Late?", None, False, None, {})
    assert runs.pending() == []
    older = LocalExecutionContext("p-1", "s-1", runs)
    LocalExecutionContext("p-1", "s-1", runs)
    with pytest.raises(EngineError, match=r"p-1 can't continue\. Fenced"):
        older.complete()
    assert runs.status("p-1") == "RUNNING"


def test_code_that_has_changed_is_refused_with_what_the_run_went_through() -> None:
    driver = Driver(deletions([]))
    driver.pending()
    driver.program = lambda ctx: ctx.step_run("something else", lambda: 1)

    with pytest.raises(EngineError, match=r"the journal has wait approval .Delete test data"):
        driver.run()
    driver.program = lambda ctx: ctx.complete()
    with pytest.raises(EngineError, match="The code now ends"):
        driver.run()


def test_a_graphql_service_is_refused_in_words() -> None:
    with pytest.raises(TypeError, match=r"GraphQL clients aren't supported; docs/driver\.md"):
        LocalExecutionContext("p-1", "s-1", object())  # type: ignore[arg-type]
