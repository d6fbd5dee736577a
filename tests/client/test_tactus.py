"""Storage and handlers for procedures of Tactus, at a real site with a worker."""

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from pydantic import BaseModel

from chat.models import HumanRequest
from chat.services import Answer, respond
from countersign_client import Client, LostRunError, NoAnswerError
from countersign_client.tactus import (
    ChatMessage,
    ChatRecorder,
    CheckpointEntry,
    HITLHandler,
    LogHandler,
    TactusStorage,
    UnstorableError,
)
from countersign_client.tactus import models as own
from dashboard.environment.variables import CHECKOUT
from procedures.models import Run, Signal
from procedures.services import Sweeper
from tests.client.conftest import PATIENCE, request_asked
from tests.documents import Page as Document
from tests.processes import wait_until

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


class Entry(BaseModel):
    """A checkpoint of the first generation, as a Pydantic model."""

    position: int
    type: str
    result: Any
    timestamp: datetime


class Metadata(BaseModel):
    procedure_id: str
    execution_log: list[Entry] = []
    replay_index: int = 0
    state: dict[str, Any] = {}
    lua_state: dict[str, Any] = {}
    status: str = "RUNNING"
    waiting_on_message_id: str | None = None


class Response(BaseModel):
    value: Any
    responded_at: datetime
    timed_out: bool = False


class Table:
    """A table of Lua, which has only `items`."""

    def __init__(self, **items: Any) -> None:
        self._items = {
            int(key[1:]) if key[1:].isdigit() else key: one for key, one in items.items()
        }

    def items(self) -> Iterator[Any]:
        return iter(self._items.items())


PYDANTIC = SimpleNamespace(
    CheckpointEntry=Entry,
    ProcedureMetadata=Metadata,
    HITLResponse=Response,
    ChatMessage=ChatMessage,
)


@dataclass
class Asked:
    """A request of a Tactus procedure."""

    request_type: str = "approval"
    message: str = "Pay?"
    timeout_seconds: int | None = None
    default_value: Any = None
    options: Any = None
    metadata: dict[str, Any] = field(default_factory=dict)


class WaitingError(Exception):
    """The exception with which Tactus leaves a procedure that waits."""


@dataclass
class Execution:
    """One execution of a procedure: replays checkpoints by their position, as Tactus does."""

    storage: TactusStorage
    handler: HITLHandler
    at: int = 0

    def __post_init__(self) -> None:
        self.metadata = self.storage.load_procedure_metadata("p")

    def next_position(self) -> int:
        return self.at

    def ask(self, asked: Asked) -> Any:
        log, position = self.metadata.execution_log, self.at
        if position < len(log) and log[position].result is not None:
            self.at += 1
            return log[position].result
        try:
            result = self.handler.request_interaction("p", asked, execution_context=self).value
        except WaitingError:
            self._save(position, None)
            raise
        self._save(position, result)
        self.at += 1
        return result

    def _save(self, position: int, result: Any) -> None:
        entry = self.storage.models.CheckpointEntry(
            position=position, type="hitl_approval", result=result, timestamp=NOW
        )
        self.metadata.execution_log[position:] = [entry]
        self.storage.save_procedure_metadata("p", self.metadata)


def storage_at(site: Client, models: Any = own) -> TactusStorage:
    return TactusStorage(site, to=["finance"], models=models)


@pytest.mark.parametrize("models", [own, PYDANTIC])
def test_another_process_finds_whole_metadata_again(site: Client, models: Any) -> None:
    storage = storage_at(site, models)
    metadata = storage.load_procedure_metadata("p")
    assert (metadata.execution_log, metadata.state, metadata.status) == ([], {}, "RUNNING")
    metadata.execution_log.append(
        models.CheckpointEntry(position=0, type="x", result=Table(_1="a", _2="b"), timestamp=NOW)
    )
    metadata.state["n"] = Table(c=1)
    metadata.lua_state["l"] = [1.5]
    metadata.replay_index = 1
    vars(metadata)["async_procedures"] = {"child": {"status": "running"}}
    storage.state_set("p", "other", 7)
    storage.update_procedure_status("p", "WAITING_FOR_HUMAN", "m-1")
    storage.save_procedure_metadata("p", metadata)
    sent = Signal.objects.count()
    storage.save_procedure_metadata("p", metadata)
    storage.state_set("p", "other", 7)
    assert Signal.objects.count() == sent, "nothing has changed"
    with pytest.raises(UnstorableError, match="object"):
        storage.state_set("p", "bad", object())

    again = storage_at(site, models).load_procedure_metadata("p")

    [entry] = again.execution_log
    assert (entry.position, entry.result, entry.timestamp) == (0, ["a", "b"], NOW)
    assert again.state == {"n": {"c": 1}, "other": 7}, "a checkpoint erases nothing"
    assert (again.lua_state, again.replay_index) == ({"l": [1.5]}, 1)
    assert (again.status, again.waiting_on_message_id) == ("WAITING_FOR_HUMAN", "m-1")
    assert again.async_procedures == {"child": {"status": "running"}}
    with pytest.raises(LostRunError):
        storage.load_procedure_metadata("p")


def test_named_checkpoints_and_single_values_are_kept_in_order(site: Client) -> None:
    storage = storage_at(site)
    for name, result in (("a", 1), ("b", [2]), ("c", None), ("b", [3])):
        storage.checkpoint_save("p", name, result)
    storage.set_state("p", {"x": 1, "y": 2})
    storage.set_state("p", {"y": 3, "z": 4})
    storage.state_delete("p", "z")
    storage.state_delete("p", "z")

    other = storage_at(site)
    assert [other.checkpoint_get("p", name) for name in "abcd"] == [1, [3], None, None]
    assert [other.checkpoint_exists("p", name) for name in "acd"] == [True, True, False]
    assert (other.get_state("p"), other.state_get("p", "z", 5)) == ({"y": 3}, 5)
    other.checkpoint_clear_after("p", "b")
    other.checkpoint_clear_after("p", "b")
    assert [other.checkpoint_exists("p", name) for name in "abc"] == [True, False, False]
    other.checkpoint_clear_all("p")
    assert not other.checkpoint_exists("p", "a")
    assert other.get_state("p") == {"y": 3}
    other.state_clear("p")
    assert other.get_state("p") == {}


@pytest.mark.parametrize("models", [own, PYDANTIC])
def test_each_place_of_a_procedure_asks_once_and_gets_its_own_answer(
    site: Client, bob: User, models: Any
) -> None:
    """Also if the same words are asked at two places, and each process ends as it asks."""
    pay = Asked(metadata={"context": {"amount": 7}, "read_at": "now"})

    def execution() -> Execution:
        storage = storage_at(site, models)
        return Execution(storage, HITLHandler(storage, waiting=WaitingError, patience=0.05))

    for _ in range(2):
        with pytest.raises(WaitingError):
            execution().ask(pay)
    request = HumanRequest.objects.get()
    assert '"amount": 7' in json.loads(request.question)["body"]
    respond(request.pk, Answer(value=True), by=bob)
    second = execution()
    assert second.ask(pay) is True
    pay.metadata["read_at"] = "later"
    with pytest.raises(WaitingError):
        second.ask(pay)
    respond(HumanRequest.objects.latest("pk").pk, Answer(value=False), by=bob)

    last = execution()
    assert [last.ask(pay), last.ask(pay)] == [True, False]
    assert HumanRequest.objects.count() == 2
    found = storage_at(site).load_procedure_metadata("p")
    assert (found.status, found.waiting_on_message_id) == ("RUNNING", None)


def test_answers_to_every_type_of_request(
    site: Client, bob: User, threads: ThreadPoolExecutor
) -> None:
    storage = storage_at(site)
    handler = HITLHandler(storage, to=["finance"], due="30m")
    options = [{"label": "Ship it", "type": "action"}, {"label": "Not Yet"}]
    review = {"decision": "not_yet", "feedback": "Too short."}
    cases = [
        (Asked("input", "Who?\nAny name."), "Erin", "Erin"),
        (Asked("input", "Which?", options=["a", "b"]), "b", "b"),
        (Asked("escalation", ""), "Call me.", "Call me."),
        (
            Asked("review", "Fine?", options=options, metadata={"artifact": "Text"}),
            review,
            {**review, "edited_artifact": ""},
        ),
    ]
    for number, (asked, value, expected) in enumerate(cases, start=1):
        waiting = threads.submit(handler.request_interaction, "p", asked)
        subject = asked.message.partition("\n")[0] or "Please help."
        respond(request_asked(subject).pk, Answer(value=value), by=bob)
        found = waiting.result(PATIENCE)
        assert (found.value, found.responder, found.timed_out) == (expected, "bob", False)
        assert HumanRequest.objects.count() == number


def test_a_timeout_gives_the_default_and_says_so(site: Client) -> None:
    storage = storage_at(site)
    handler = HITLHandler(storage, waiting=WaitingError)
    at_once = handler.request_interaction("p", Asked(timeout_seconds=0, default_value="x"))
    assert (at_once.value, at_once.timed_out) == ("x", True)
    asked = Asked(timeout_seconds=1, default_value={"any": "thing"})
    with pytest.raises(WaitingError) as waiting:
        handler.request_interaction("p", asked)
    key = waiting.value.args[1]
    assert handler.check_pending_response("p", "nothing") is None

    def swept() -> Any:
        Sweeper()()
        return handler.check_pending_response("p", key)

    checked = wait_until(swept, PATIENCE, what="the deadline")
    response = handler.request_interaction("p", asked)

    assert checked == response
    assert (response.value, response.timed_out) == ({"any": "thing"}, True)


def test_a_question_that_is_cancelled_is_withdrawn_once(site: Client) -> None:
    storage = storage_at(site)
    handler = HITLHandler(storage, waiting=WaitingError)
    with pytest.raises(WaitingError) as waiting:
        handler.request_interaction("p", Asked())
    key = waiting.value.args[1]
    assert storage.load_procedure_metadata("p").waiting_on_message_id == key

    for _ in range(2):
        handler.cancel_pending_request("p", key)
    handler.cancel_pending_request("p", "nothing")

    assert HumanRequest.objects.get().status == "withdrawn"
    assert storage.load_procedure_metadata("p").waiting_on_message_id is None
    assert handler.check_pending_response("p", key) is None
    with pytest.raises(NoAnswerError):
        handler.request_interaction("p", Asked())


def test_what_a_procedure_says_and_logs_is_read_by_people(site: Client) -> None:
    storage = storage_at(site)
    recorder, handler = ChatRecorder(storage, "p"), LogHandler(storage, "p")
    tool = ChatMessage("TOOL", "Done.", tool_name="pay", tool_parameters={"amount": 7})

    async def talk() -> list[Any]:
        session = await recorder.start_session({"any": "context"})
        assert recorder.session_id == session
        await recorder.record_message(ChatMessage("ASSISTANT", "**Hello**"))
        await recorder.record_message(tool)
        storage.run_of("p").keep({"done": True})  # what was sent before is there now, too
        found = await recorder.get_session_messages(session)
        assert await recorder.get_session_messages(session, limit=1) == found[1:]
        await recorder.end_session(session)
        return found

    assert asyncio.run(talk()) == [ChatMessage("ASSISTANT", "**Hello**"), tool]

    cost = SimpleNamespace(
        event_type="cost", agent_name="a", total_tokens=9, model="m", total_cost=0.1
    )
    handler.log(own_event("log", level="WARN", message="Low", context={"left": 3}))
    handler.log(own_event("agent_stream_chunk"))
    handler.log(own_event("agent_turn"))
    handler.log(cost)
    handler.log(own_event("execution_summary", exit_code=0, error_message=None, result={"ok": 1}))
    handler.log(own_event("log", level="INFO", message="Too late", context=None))

    run = Run.objects.get()
    lines = [(one.content["level"], one.content["text"]) for one in run.events.filter(kind="log")]
    assert handler.cost_events == [cost]
    assert lines == [
        ("info", "The session has ended: COMPLETED."),
        ("warning", "Low {'left': 3}"),
        ("debug", "Agent turn"),
        ("info", "a used 9 tokens with the model m. {'total_cost': 0.1}"),
    ]
    assert site.get_result(str(run.pk)) == {"ok": 1}


def own_event(kind: str, **fields: Any) -> Any:
    return SimpleNamespace(event_type=kind, **fields)


def test_the_document_builds_what_a_runtime_takes(site: Client) -> None:
    parts_for = Document(CHECKOUT / "docs" / "outside.md").definitions["parts_for"]

    parts = parts_for(site, "p", PYDANTIC)

    assert isinstance(parts["storage_backend"].load_procedure_metadata("p"), Metadata)
    assert {"procedure_id", "hitl_handler", "chat_recorder", "log_handler"} < parts.keys()


def test_an_execution_that_fails_ends_its_run_with_the_error(site: Client) -> None:
    storage = storage_at(site)
    kept = LogHandler(storage, "p", ends=False)
    failed = own_event("execution_summary", exit_code=1, error_message="No money.", result=None)
    kept.log(failed)
    assert not storage.run_of("p").is_over
    assert CheckpointEntry(0, "x", None).timestamp.tzinfo

    LogHandler(storage, "p").log(failed)

    error = site.get_run(storage.run_of("p").id).error
    assert error
    assert error.message == "No money."
