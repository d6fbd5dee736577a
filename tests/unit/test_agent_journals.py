"""Journals of agents that another release, or another version of the library, has written."""

from collections.abc import Callable
from typing import Any

import pytest

from procedures.engine.journal.events import EventKind, RunStatus, closing
from procedures.engine.values import canonical
from procedures.testing.memory import MemoryStore
from tests.procedures.agents import answers_by_agent, paid
from tests.unit.engine.running import message

APPROVED = closing("approved", value={"decision": "approved"}, responder="bob")
Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def store() -> MemoryStore:
    paid.clear()
    return MemoryStore()


def waiting_run(store: MemoryStore, change: Change) -> str:
    """A run that waits for an approval, and whose stored replies are of another shape."""
    run_id = store.start(answers_by_agent)
    store.advance(run_id)
    run = store.runs[run_id]
    for place, event in enumerate(run.events):
        if event.kind == EventKind.STEP_SUCCEEDED and event.name.partition("#")[0] == "support":
            content = canonical.plain(event.data)
            change(content["result"])
            run.events[place] = event._replace(data=canonical.text_of(content))
    return run_id


def without_what_came_later(reply: dict[str, Any]) -> None:
    """Leave only what a release stored that knew texts, calls and the model."""
    for name in ("version", "finish", "usage"):
        del reply[name]
    for part in reply["parts"]:
        part.pop("of_provider")
        part.pop("malformed", None)


def with_fields_of_another_library(reply: dict[str, Any]) -> None:
    for part in reply["parts"]:
        part["of_provider"] = {"id": "i-1", "provider_name": "p", "vendor_details": {"a": 1}}


@pytest.mark.parametrize("change", [without_what_came_later, with_fields_of_another_library])
def test_a_run_goes_on_with_replies_that_another_library_left(
    store: MemoryStore, change: Change
) -> None:
    run_id = waiting_run(store, change)
    store.resolve(run_id, "approve pay_back", APPROVED)

    assert store.advance(run_id) == RunStatus.SUCCEEDED
    assert [str(amount) for one in paid.values() for _, amount in one] == ["31.20"]


def of_version_two(reply: dict[str, Any]) -> None:
    reply["version"] = 2


def with_a_part_of_another_kind(reply: dict[str, Any]) -> None:
    reply["parts"].append({"kind": "picture", "url": "a"})


def with_more_in_a_part(reply: dict[str, Any]) -> None:
    reply["parts"][0]["mood"] = "kind"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (of_version_two, "version: Input should be 1"),
        (with_a_part_of_another_kind, "parts.2"),
        (with_more_in_a_part, "parts.0.text.mood: Extra inputs are not permitted"),
    ],
)
def test_a_reply_that_this_release_cannot_read_holds_the_run_and_says_what_to_do(
    store: MemoryStore, change: Change, why: str
) -> None:
    run_id = waiting_run(store, change)
    store.resolve(run_id, "approve pay_back", APPROVED)

    assert store.advance(run_id) == RunStatus.QUARANTINED
    told = message(store.runs[run_id])
    assert "another release has stored this reply of a model" in told
    assert why in told
    assert "Deploy that release again and retry the run, or fork the run from before" in told
    assert paid == {}
