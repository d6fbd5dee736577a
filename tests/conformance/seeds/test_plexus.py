"""Plexus, SEEDS.md §1: what its procedures got wrong, as it is right.

What its questions show to people is tested in `test_plexus_questions`.

| fault                                                  | its test here                           |
|--------------------------------------------------------|-----------------------------------------|
| one reply answers every later question of the run      | a_reply_answers_the_one_question        |
| `sleep` returns at once                                | a_sleep_lasts_its_time                  |
| a timeout gives the default without a flag, and only   | a_timeout_fires_by_itself_and_says_so,  |
| if somebody re-runs the procedure                      | a_reply_in_time_carries_no_flag         |
| a plain-text reply crashes                             | a_plain_text_reply_is_an_answer         |
| the whole metadata is rewritten per step               | a_late_step_writes_no_more, ..._database|
| the same name again silently returns the first result  | the_same_name_again_is_another_step     |
| a storage read error silently starts an empty run      | a_journal_that_cannot_be_read           |

The contract of its names, clause by clause:

| clause                                               | its test                                  |
|------------------------------------------------------|-------------------------------------------|
| `clear_after(name)` clears `name`, too               | clearing_after_a_name_clears_the_name_too |
| any unique string is a name                          | any_text_is_a_name                        |
| a review's options are its buttons and its decisions | the_options_of_a_review_are_its_buttons   |
| `artifact` and `edited_artifact` may be data         | an_artifact_may_be_data                   |
| defaults are kept as written                         | silence_gives_the_default_as_it_was       |
| a timeout of 0 or less is over at once               | a_timeout_that_is_over_gives_the_default  |
| a message's first line is the prompt, the rest below | a_message_has_its_prompt_in_its_first_line|
| metadata with a time in it does not quarantine       | metadata_may_change_and_is_shown_to_nobody|
| an empty message gets a default                      | an_empty_message_gets_a_sentence          |
| `HumanResponse(value, responded_at)` can be made     | a_response_is_made_of_its_value           |
| an exception arrives as itself, also on replay       | what_a_step_raises_arrives_as_itself      |
| `ProcedureWaitingForHuman`, `LocalExecutionContext`  | tests.unit.testing.test_drivers           |

What people send in plain text: `tests.integration.test_seeds_people`.
"""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from procedures.engine import HumanResponse
from procedures.engine.errors import StorageLost
from procedures.engine.journal.events import EventKind, RunStatus
from tests import procedures
from tests.conformance.backends import Backend, answer
from tests.conformance.database import DatabaseBackend
from tests.conformance.seeds.test_plexus_questions import opened_by
from tests.conformance.seeds.watched import watched
from tests.procedures import did


def test_a_reply_answers_the_one_question_it_was_given_to(backend: Backend) -> None:
    run_id = backend.start(procedures.deletions)
    backend.advance(run_id)
    answer(backend, run_id, "approval")

    assert backend.advance(run_id) == RunStatus.WAITING

    assert list(backend.open_waits(run_id)) == ["approval#2"]
    assert did == ["the test data"]
    answer(backend, run_id, "approval#2", value=False)
    backend.advance(run_id)
    assert backend.result(run_id) == '["the test data"]'
    assert did == ["the test data"]


def test_a_sleep_lasts_its_time_and_holds_no_worker(backend: Backend) -> None:
    run_id = backend.start(procedures.agent_sleeps)

    assert backend.advance(run_id) == RunStatus.WAITING
    backend.travel(timedelta(seconds=50))
    assert backend.advance(run_id) == RunStatus.WAITING
    assert did == []
    backend.travel(timedelta(seconds=11))

    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert did == ["awake"]


def test_a_timeout_fires_by_itself_and_says_so(backend: Backend) -> None:
    run_id = backend.start(procedures.agent_waits)
    backend.advance(run_id)

    backend.travel(timedelta(seconds=61))
    assert backend.status(run_id) == RunStatus.QUEUED
    backend.advance_all()

    assert backend.result(run_id) == '[true,true,"system: deadline"]'


@pytest.mark.parametrize(
    ("kind", "default"),
    [
        ("approval", False),
        ("input", "nothing"),
        ("input", ""),
        ("review", {"decision": "approved", "feedback": "", "edited_artifact": None}),
        ("review", {"decision": "approved", "feedback": "", "edited_artifact": "Dear Bob"}),
        ("review", None),
        ("escalation", None),
    ],
)
def test_silence_gives_the_default_as_it_was_written(
    backend: Backend, kind: str, default: Any
) -> None:
    run_id = backend.start(procedures.agent_defaults, kind=kind, default=default)
    backend.advance(run_id)

    backend.travel(timedelta(seconds=61))
    backend.advance_all()

    assert json.loads(backend.result(run_id) or "") == default


@pytest.mark.parametrize(
    ("kind", "default"),
    [
        ("input", {"name": "Bob", "count": 2}),
        ("input", 7),
        ("approval", "later"),
        ("review", {"decision": "request_changes", "edited_artifact": {"a": [1]}, "feedback": "x"}),
        ("review", {"decision": None}),
        ("review", "as it is"),
        ("escalation", ["nobody"]),
    ],
)
def test_a_default_that_is_no_answer_is_kept_as_it_was_written(
    backend: Backend, kind: str, default: Any
) -> None:
    test_silence_gives_the_default_as_it_was_written(backend, kind, default)


@pytest.mark.parametrize("seconds", [0, -1, -0.5])
@pytest.mark.parametrize("kind", ["approval", "input", "review", "escalation"])
def test_a_timeout_that_is_over_gives_the_default_at_once(
    backend: Backend, kind: str, seconds: float
) -> None:
    run_id = backend.start(procedures.agent_shows, kind=kind, message="Well?", timeout=seconds)

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert json.loads(backend.result(run_id) or "") == ["as written", True]


NAMES = [
    "",
    " ",
    "a#1",
    "a/1",
    "a:1",
    "a_1",
    "Prüfe 🙂",
    "two\nlines",
    "x" * 81,
    "x" * 82,
    "y" * 900,
]


def test_any_text_is_a_name(backend: Backend) -> None:
    run_id = backend.start(procedures.agent_names, names=NAMES)
    backend.advance(run_id)
    answer(backend, run_id, "approval")

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert json.loads(backend.result(run_id) or "") == [f"did {name}" for name in NAMES]
    assert did == [f"did {name}" for name in NAMES]
    keys = [e.key for e in backend.events(run_id) if e.kind == EventKind.STEP_SUCCEEDED]
    assert len(set(keys)) == len(NAMES)
    assert not any("#" in key for key in keys)


@pytest.mark.parametrize(
    ("after", "left"),
    [
        ("one", [False, False, False]),
        ("two", [True, False, False]),
        ("three", [True, True, False]),
        ("four", [True, True, True]),
    ],
)
def test_clearing_after_a_name_clears_the_name_too(
    backend: Backend, after: str, left: list[bool]
) -> None:
    run_id = backend.start(procedures.agent_forgets, after=after)
    backend.advance(run_id)

    assert json.loads(backend.result(run_id) or "") == left


@pytest.mark.parametrize(
    ("failure", "caught"),
    [
        ("ValueError", ["ValueError", "no number"]),
        ("KeyError", ["KeyError", "'order'"]),
        ("ConnectionRefusedError", ["ConnectionRefusedError", ""]),
        ("OverLimitError", ["OverLimitError", "above 100 €"]),
        ("TwoPartsError", ["StepFailedError", "fail: TwoPartsError: this and that"]),
        (
            "JSONDecodeError",
            ["StepFailedError", "fail: JSONDecodeError: bad: line 1 column 2 (char 1)"],
        ),
        ("Local", ["StepFailedError", "fail: Local: mine"]),
    ],
)
def test_what_a_step_raises_arrives_as_itself_also_on_replay(
    backend: Backend, failure: str, caught: list[str]
) -> None:
    run_id = backend.start(procedures.agent_fails, failure=failure)
    backend.advance(run_id)
    assert opened_by(backend, run_id)["prompt"] == f"Go on after {caught[0]}?"
    answer(backend, run_id, "approval")

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert json.loads(backend.result(run_id) or "") == caught
    assert did == [failure]


def test_a_run_that_fails_by_what_its_step_raised_names_the_step(backend: Backend) -> None:
    run_id = backend.start(procedures.agent_fails_for_good)

    assert backend.advance(run_id) == RunStatus.FAILED

    error = backend.error(run_id) or {}
    assert (error["type"], error["message"], error["of"]) == ("ValueError", "no number", "fail")


def test_a_response_is_made_of_its_value_and_its_time() -> None:
    said = HumanResponse("yes", "2026-01-01T00:00:00+00:00")

    assert (said.timed_out, said.responder) == (False, "")


def test_a_reply_in_time_carries_no_flag(backend: Backend) -> None:
    run_id = backend.start(procedures.agent_waits)
    backend.advance(run_id)

    answer(backend, run_id, "approval", value=False)
    backend.travel(timedelta(seconds=61))
    backend.advance_all()

    assert backend.result(run_id) == '[false,false,"bob"]'


def test_an_escalation_keeps_its_timeout_too(backend: Backend) -> None:
    run_id = backend.start(procedures.agent_escalates)
    backend.advance(run_id)

    backend.travel(timedelta(seconds=61))
    backend.advance_all()

    assert backend.result(run_id) == "[null,true]"


@pytest.mark.parametrize(
    ("options", "kind", "reply"),
    [([], "escalation", "Restarted it."), ([("Retry", "action")], "choice", "Retry")],
)
def test_an_escalation_asks_the_operators_what_was_done(
    backend: Backend, options: list[tuple[str, str]], kind: str, reply: str
) -> None:
    offered = [{"label": label, "type": type_} for label, type_ in options]
    run_id = backend.start(procedures.agent_escalates, options=offered)
    backend.advance(run_id)
    [opened] = [e for e in backend.events(run_id) if e.kind == EventKind.WAIT_OPENED]

    answer(backend, run_id, "escalation", value=reply)
    backend.advance(run_id)

    assert (opened.content["kind"], opened.content["assign"]) == (kind, ["role:operate"])
    assert json.loads(backend.result(run_id) or "") == [reply, False]


@pytest.mark.parametrize(
    ("options", "labels"),
    [
        ([("Keep", "cancel"), ("Delete", "action")], {"true": "Delete", "false": "Keep"}),
        ([("Delete", "action"), ("Keep", "cancel")], {"true": "Delete", "false": "Keep"}),
        ([("Keep", "reject")], {"true": "Approve", "false": "Keep"}),
        ([("Delete", ""), ("Keep", "")], {"true": "Delete", "false": "Keep"}),
    ],
    ids=["no first", "yes first", "no alone", "without types"],
)
def test_the_option_that_says_no_means_no_wherever_it_stands(
    backend: Backend, options: list[tuple[str, str]], labels: dict[str, str]
) -> None:
    offered = [{"label": label, "type": kind} for label, kind in options]
    run_id = backend.start(procedures.agent_offers, options=offered)
    backend.advance(run_id)

    [opened] = [e for e in backend.events(run_id) if e.kind == EventKind.WAIT_OPENED]

    assert opened.content["labels"] == labels


def test_an_approval_with_a_third_option_is_refused_before_it_is_asked(backend: Backend) -> None:
    offered = [{"label": label} for label in ("Delete", "Keep", "Later")]
    run_id = backend.start(procedures.agent_offers, options=offered)

    assert backend.advance(run_id) == RunStatus.FAILED

    assert "at most two options" in str(backend.error(run_id))
    assert not backend.open_waits(run_id)


@pytest.mark.parametrize("text", ["Thursday", '{"value": tr', "null", "[1, 2", "“7” ü 🙂\nand on"])
def test_a_plain_text_reply_is_an_answer(backend: Backend, text: str) -> None:
    run_id = backend.start(procedures.agent_asks)
    backend.advance(run_id)

    answer(backend, run_id, "input", value=text)

    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert json.loads(backend.result(run_id) or "") == text


def test_a_late_step_writes_no_more_than_an_early_one(backend: Backend) -> None:
    run_id = backend.start(procedures.repeated_steps, times=90)
    journal = watched(backend, run_id)
    journal.advance(procedures.repeated_steps)

    *steps, _end = journal.commits

    assert [len(batch.events) for batch in steps] == [1] * 90
    sizes = {len(json.dumps(batch.events[0].data)) for batch in steps[10:]}
    assert max(sizes) - min(sizes) <= 2  # the digits of a time


@pytest.mark.django_db(transaction=True)
def test_a_late_step_costs_the_database_no_more_than_an_early_one() -> None:
    twenty, fifty, eighty = (statements(times) for times in (20, 50, 80))

    assert len(eighty) - len(fifty) == len(fifty) - len(twenty)
    sizes = [sum(map(len, ones)) for ones in (twenty, fifty, eighty)]
    assert sizes[2] - sizes[1] == pytest.approx(sizes[1] - sizes[0], rel=0.02)


def statements(times: int) -> list[str]:
    """The statements that the database gets in a run of that many steps."""
    backend = DatabaseBackend()
    run_id = backend.start(procedures.repeated_steps, times=times)
    with CaptureQueriesContext(connection) as queries:
        backend.advance(run_id)
    return [query["sql"] for query in queries.captured_queries]


def test_the_same_name_again_is_another_step(backend: Backend) -> None:
    run_id = backend.start(procedures.one_name_twice)

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert backend.result(run_id) == '["to alice","to bob"]'
    assert did == ["to alice", "to bob"]


def test_a_journal_that_cannot_be_read_starts_no_empty_run(backend: Backend) -> None:
    run_id = backend.start(procedures.question)
    backend.advance(run_id)
    answer(backend, run_id, "approve")
    journal = watched(backend, run_id, is_readable=False)
    kept = list(backend.events(run_id))

    with pytest.raises(StorageLost):
        journal.advance(procedures.question)

    assert did == ["before"]
    assert backend.events(run_id) == kept
    backend.lose_lease(run_id)
    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert did == ["before", "after"]
