"""The shipped procedure `outside`, in memory: commands come as signals, people answer."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from procedures.library import outside as module
from procedures.library.outside import outside
from procedures.testing import Answer, AskedWait, RehearsedRun, crash_test, run_procedure

Command = dict[str, Any]
MINE = {"owner": "me"}
TAKE: Command = {**MINE, "take": True}
END: Command = {**MINE, "end": {"result": "done"}}
DEPLOY = {"key": "deploy", "subject": "Deploy?", "to": ["finance"]}


def ask(**question: Any) -> Command:
    return {**MINE, "ask": {**DEPLOY, **question}}


def answer_to(asked: AskedWait) -> Answer | None:
    """People answer a minute later, unless they are told to wait."""
    value = "x" if asked.kind == "input" else True
    return None if "Wait" in asked.prompt else Answer(value, by="bob", after="1m")


def sent(number: int, command: Command) -> Answer:
    told = {"id": str(number), **command}
    return Answer(told, after=told.pop("_after", None))


def program(commands: Sequence[Command]) -> Callable[[AskedWait], Any]:
    """Sends one command after the other; a new journal doesn't begin them again."""
    left = iter(enumerate(commands, start=1))

    def say(asked: AskedWait) -> Any:
        if asked.kind != "signal":
            return answer_to(asked)
        found = next(left, None)
        return found and sent(*found)

    return say


def run_of(*commands: Command, **inputs: Any) -> RehearsedRun:
    given = {"subject": "Deploy", "to": ["finance"], **inputs}
    return run_procedure(outside, given, humans=program(commands))


def state_of(run: RehearsedRun) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for event in run.events:
        if event.kind == "run.continued":
            found = {}
        if event.kind == "state":
            found[event.content["name"]] = event.content["value"]
            if event.content.get("gone"):
                del found[event.content["name"]]
    return found


def refusal_in(run: RehearsedRun) -> str:
    heard = [event.content["value"] for event in run.events if event.name == "outside"]
    return next(str(one["refused"]) for one in heard if "refused" in one)


def error_of(run: RehearsedRun) -> tuple[str, str]:
    assert run.error
    return run.error["type"], run.error["message"]


def test_it_keeps_values_and_ends_with_what_its_program_says() -> None:
    run = run_of(
        TAKE,
        {**MINE, "values": {"a": 1, "b": {"c": [2]}}, "stage": "Load"},
        {**MINE, "values": {"a": 3}, "gone": ["b"], "log": {"text": "Loaded."}},
        {**MINE, "post": {"text": "Hello", "body": "**You**"}},
        END,
        values={"first": True},
    )

    assert (run.status, run.result) == ("succeeded", "done")
    assert state_of(run) == {
        "first": True,
        "a": 3,
        "outside": {"owner": "me", "heard": "5"},
    }
    kinds = [event.kind for event in run.events]
    assert {"stage", "log", "notice"} <= set(kinds)


def test_it_ends_with_an_error_if_its_program_says_so() -> None:
    run = run_of(TAKE, {**MINE, "end": {"error": "The disk is full."}})

    assert run.status == "failed"
    assert error_of(run) == ("ProgramFailedError", "The disk is full.")


def test_a_question_is_asked_once_for_each_key_and_its_answer_is_kept() -> None:
    run = run_of(TAKE, ask(), ask(), {**MINE, "_after": "2m"}, END)

    assert run.prompts == ["Deploy?"]
    kept = state_of(run)["outside/deploy"]
    assert kept["status"] == "closed"
    assert {name: kept["answer"][name] for name in ("outcome", "value", "responder")} == {
        "outcome": "approved",
        "value": True,
        "responder": "bob",
    }


def test_a_withdrawn_question_is_closed() -> None:
    run = run_of(
        TAKE,
        ask(subject="Wait?"),
        {**MINE, "withdraw": {"key": "deploy", "reason": "Done."}},
        {**MINE, "withdraw": {"key": "deploy", "reason": "Done."}},
        END,
    )

    assert run.status == "succeeded"
    answer = state_of(run)["outside/deploy"]["answer"]
    assert (answer["outcome"], answer["comment"]) == ("withdrawn", "Done.")


def test_only_the_process_that_took_it_last_is_heard() -> None:
    run = run_of(
        TAKE,
        {"owner": "other", "values": {"a": 1}},
        {"owner": "other", "take": True, "values": {"b": 2}},
        {**MINE, "values": {"c": 3}},
        {"owner": "other", "end": {"result": "other"}},
    )

    assert run.result == "other"
    assert state_of(run).keys() == {"outside", "b"}
    assert sum("no longer owns" in event.name for event in run.events) == 2


@pytest.mark.parametrize(
    ("commands", "words"),
    [
        ([ask(to=["support"])], "'support' can't be asked"),
        ([ask(kind="choice")], "options: are missing"),
        ([ask(webhook="shop")], "can't have a webhook of its own"),
        ([ask(key="")], "needs a key"),
        ([ask(subject="Wait?"), ask(subject="Wait for b?")], "Another question was asked"),
        ([{**MINE, "values": {"outside": 1}}], "is reserved for the run"),
        ([{**MINE, "gone": ["outside/deploy"]}], "is reserved for the run"),
        ([{**MINE, "withdraw": {"key": "x", "reason": "No."}}], "no question"),
        ([{**MINE, "log": {"text": "x" * 10_001}}], "the limit is"),
        ([{**ask(key="b"), "post": {"text": "x" * 10_001}}], "the limit is"),
        ([{**ask(key="b"), "post": {"text": "x", "body": "x" * 50_001}}], "the limit is"),
        ([{**ask(key="b"), "stage": "x" * 2_001}], "the limit is"),
    ],
)
def test_a_command_that_it_does_not_obey_says_why_and_changes_nothing(
    commands: list[Command], words: str
) -> None:
    *before, last = commands
    run = run_of(TAKE, *before, {"values": {"a": 1}, **last}, END)

    assert words in refusal_in(run)
    assert run.status == "succeeded"
    assert not {"a", "outside/b"} & state_of(run).keys()
    assert len(run.prompts) <= len(before)


def test_without_names_all_who_may_answer_are_asked_and_nobody_can_be_named() -> None:
    run = run_of(TAKE, ask(key="a", to=[]), ask(), END, to=[])

    asked = next(e.content for e in run.events if e.kind == "wait.opened" and e.key == "ask")
    assert asked["assign"] == []
    assert "when the run was started: nobody." in refusal_in(run)


def test_its_journal_begins_again_and_keeps_all_values_and_answers() -> None:
    many = [{**MINE, "values": {f"v{number % 9}": number}} for number in range(410)]

    run = run_of(TAKE, ask(), *many[:3], {**MINE, "_after": "2m"}, *many[3:], ask(), END)

    began = [event.seq for event in run.events if event.kind == "run.continued"]
    assert len(began) == 2
    assert run.prompts == ["Deploy?"]
    assert state_of(run).keys() == {
        "outside",
        "outside/deploy",
        *(f"v{number}" for number in range(9)),
    }


def test_its_journal_goes_on_while_people_are_asked() -> None:
    many = [{**MINE, "values": {"a": 1}}] * module.SHORTEST_GENERATION

    run = run_of(TAKE, ask(subject="Wait?"), *many, END)

    assert "run.continued" not in {event.kind for event in run.events}
    assert state_of(run)["outside/deploy"]["status"] == "open"


def test_it_refuses_what_would_make_it_too_large() -> None:
    many = {**MINE, "values": {f"v{number}": 0 for number in range(module.MOST_VALUES + 1)}}
    assert "at most 5,000 values" in refusal_in(run_of(TAKE, many, END))

    assert "at most 5,000 values" in refusal_in(run_of(TAKE, {**many, "take": True}, END))

    full = run_of(TAKE, {**MINE, "values": {"b": 1}}, END, values={"a": "x" * module.LARGEST_STATE})
    assert "at most 8,000,000 characters" in refusal_in(full)


@pytest.mark.soak
def test_it_takes_only_so_many_commands_while_people_are_asked() -> None:
    many = [{**MINE, "values": {"a": number}} for number in range(module.LONGEST_GENERATION)]

    run = run_of(TAKE, ask(subject="Wait?"), *many, END)

    assert "while questions are open" in refusal_in(run)
    assert run.status == "succeeded"


def test_a_silent_program_ends_it_unless_people_are_asked() -> None:
    run = run_of(TAKE, silence="1h")
    words = "The program was silent for 1h, so the run was ended."
    assert (run.status, *error_of(run)) == ("failed", "SilentError", words)

    patient = run_of(TAKE, ask(subject="Wait?", expires="5h", default=True), silence="1h")
    assert state_of(patient)["outside/deploy"]["answer"]["outcome"] == "defaulted"
    assert error_of(patient)[0] == "SilentError"


def test_a_crash_at_any_place_changes_nothing() -> None:
    commands = [TAKE, ask(), {**MINE, "values": {"a": 1}}, {**MINE, "_after": "2m"}, END]

    def say(asked: AskedWait) -> Any:
        number = int(asked.key.partition("#")[2] or 1)
        return sent(number, commands[number - 1]) if asked.kind == "signal" else answer_to(asked)

    crash_test(outside, {"subject": "Deploy", "to": ["finance"]}, humans=say)
