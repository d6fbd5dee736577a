"""People who write to a run in a test, asked or not."""

from typing import Any

import pytest

from procedures.engine import Context, File, OptionError, procedure
from procedures.testing import Answer, GivenFile, crash_test, run_procedure, say, script


def do(what: str) -> str:
    return what


@procedure(listens=True)
def attentive(ctx: Context) -> list[str]:
    heard = []
    for _ in range(3):
        heard += [f"{one.sender}: {one.text}" for one in ctx.inbox()]
        ctx.step(do, str(heard))
        ctx.sleep("1h")
    return heard


def contents(files: list[File]) -> list[str]:
    return [f"{one.name}: {one.text()}" for one in files]


@procedure(listens=True)
def reading(ctx: Context) -> list[str]:
    return [text for one in ctx.inbox() for text in ctx.step(contents, list(one.files))]


@procedure(listens=True)
def talkative(ctx: Context) -> list[str]:
    said = [ctx.converse(f"Word {number}?").text for number in range(3)]
    return [*said, *(one.text for one in ctx.inbox())]


def test_remarks_arrive_at_their_time() -> None:
    says = [say("late", after="90m", by="bob"), say("early", by="ann"), say("never", after="9h")]

    run = run_procedure(attentive, says=says)

    assert run.result == ["ann: early", "bob: late"]


def test_remarks_may_have_files() -> None:
    says = [say("Take these", by="ann", files=[GivenFile("orders.csv", "A-7,A-8")])]

    assert run_procedure(reading, says=says).result == ["orders.csv: A-7,A-8"]
    with pytest.raises(OptionError, match="files= of say"):
        say("Take these", files=["orders.csv"])  # type: ignore[list-item]


def test_a_conversation_asks_people_by_its_text() -> None:
    people = script({"Word 1?": Answer("two", by="ann"), "message": "another"})

    run = run_procedure(talkative, humans=people)

    assert run.result == ["another", "two", "another"]
    assert run.prompts == run.notices == ["Word 0?", "Word 1?", "Word 2?"]


def test_no_message_is_lost_or_read_twice_wherever_the_worker_is_killed() -> None:
    says = [say("first"), say("second", after="1h"), say("third", after="1h")]
    for code in (attentive, talkative):
        people = script({"message": Answer("asked", after="40m")})
        report = crash_test(code, humans=people, says=says)
        assert report.undisturbed.status == "succeeded"
        assert report.kills >= 8


def test_answers_and_remarks_are_texts() -> None:
    with pytest.raises(OptionError, match=r"An answer to ctx\.converse"):
        run_procedure(talkative, humans=script({"message": 7}))
    wrong: Any = ["Stop."]
    with pytest.raises(OptionError, match=r"says= of run_procedure"):
        run_procedure(talkative, says=wrong)
