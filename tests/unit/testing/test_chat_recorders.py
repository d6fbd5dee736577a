"""Chats of programs that bring their own driver: they are told each question, and name it."""
# ruff: noqa: FBT003 (answers, and defaults as such programs write them)

import asyncio
from typing import Any

import pytest

from procedures.testing import LocalExecutionContext
from tests.unit.testing.drivers import Driver


class Recorder:
    """A program's own chat."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def record_message(self, **message: Any) -> str:
        self.messages.append(message)
        return f"m-{len(self.messages)}"


class AsyncRecorder(Recorder):
    async def record_message(self, **message: Any) -> str:  # type: ignore[override]
        await asyncio.sleep(0)
        return super().record_message(**message)


@pytest.mark.parametrize("recorder", [Recorder(), AsyncRecorder()])
def test_a_chat_recorder_is_told_each_question_once_and_names_it(recorder: Recorder) -> None:
    def program(ctx: LocalExecutionContext) -> Any:
        ctx.wait_for_human("approval", "Go on?\nReally.", 60, False, None, {"tone": "calm"})
        return ctx.wait_for_human("input", "Name?", None, None, None, {}).value

    driver = Driver(program, chat_recorder=recorder)

    assert [driver.pending(), driver.pending()] == ["m-1", "m-1"]
    driver.runs.respond("m-1", True)
    assert driver.pending() == "m-2"
    driver.runs.respond("m-2", "bob")

    assert driver.run() == "bob"
    first, second = recorder.messages
    assert (first["role"], first["content"]) == ("ASSISTANT", "Go on?\nReally.")
    assert first["metadata"]["timeout_seconds"] == 60
    assert first["metadata"]["request_metadata"] == {"tone": "calm"}
    kinds = [one["human_interaction"] for one in (first, second)]
    assert kinds == ["PENDING_APPROVAL", "PENDING_INPUT"]


class FailingRecorder(Recorder):
    def record_message(self, **message: Any) -> str:
        if not super().record_message(**message).endswith("3"):
            raise ConnectionError("The chat does not answer.")
        return "m-3"


def test_a_recorder_that_fails_is_told_the_question_again() -> None:
    recorder = FailingRecorder()
    driver = Driver(
        lambda ctx: ctx.wait_for_human("approval", "Go on?", None, False, None, {}).value,
        chat_recorder=recorder,
    )

    with pytest.raises(ConnectionError):
        driver.run()
    with pytest.raises(ConnectionError):
        driver.context.step_run("later", lambda: 1)
    assert driver.pending() == "m-3"
    driver.runs.respond("m-3", True)

    assert driver.run() is True
    assert len(recorder.messages) == 3


def test_an_async_recorder_is_told_from_inside_a_loop_too() -> None:
    recorder = AsyncRecorder()
    driver = Driver(
        lambda ctx: ctx.wait_for_human("approval", "Go on?", None, False, None, {}),
        chat_recorder=recorder,
    )

    async def drive() -> str:
        return driver.pending()

    assert asyncio.run(drive()) == "m-1"
