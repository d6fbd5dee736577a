"""Files in answers: kept by the run, given again on replay, and taken over by a fork."""

from typing import Any

import pytest

from procedures.engine import Context, File, OptionError, procedure
from procedures.engine.journal.events import EventKind
from procedures.testing import Answer, GivenFile, crash_test, run_procedure, script
from procedures.testing.memory import MemoryStore
from tests.unit.engine.running import YES


@procedure
def reads(ctx: Context) -> list[str]:
    paper = ctx.upload("Which?").value
    ctx.approve("Go on?")
    text = ctx.step(paper.text, name="read")
    return [paper.name, text]


PEOPLE = script({"upload": GivenFile("a.txt", "one"), "approval": True})


def test_a_file_is_the_same_on_every_replay() -> None:
    report = crash_test(reads, humans=PEOPLE)

    assert report.kills > 6
    assert report.undisturbed.result == ["a.txt", "one"]


def test_the_event_of_the_answer_names_its_file() -> None:
    run = run_procedure(reads, humans=PEOPLE)

    (closed, _) = [event for event in run.events if event.kind == EventKind.WAIT_CLOSED]
    assert [one["name"] for one in closed.content["files"]] == ["a.txt"]
    assert run.result == ["a.txt", "one"]


def test_a_fork_takes_over_the_file() -> None:
    store = MemoryStore()
    with store.use_files():
        file = File.store("a.txt", "one")
    run_id = store.start(reads)
    store.advance(run_id)
    store.resolve(run_id, "upload", {**YES, "value": vars(file)}, files=[file])
    store.advance(run_id)
    store.resolve(run_id, "approve", YES)
    store.advance(run_id)
    assert store.files_of(store.runs[run_id]) == [file]

    fork = store.fork(run_id, "read", by="ann")
    store.advance(fork)

    assert store.files_of(store.runs[fork]) == [file]
    assert store.runs[fork].result == store.runs[run_id].result == '["a.txt","one"]'


def test_a_person_sends_a_file_with_a_comment_and_later() -> None:
    people = {
        "upload": Answer(GivenFile("a.txt", b"\xffone"), by="ben", after="2h"),
        "approval": True,
    }
    run = run_procedure(reads, humans=script(people))

    assert run.error is not None  # the bytes are no text
    (closed, *_) = [event for event in run.events if event.kind == EventKind.WAIT_CLOSED]
    assert closed.content["responder"] == "ben"


@pytest.mark.parametrize(("name", "content"), [(5, "x"), ("a.txt", 5), ("\ud800", "x")])
def test_a_file_that_is_none_is_refused_where_it_is_given(name: Any, content: Any) -> None:
    with pytest.raises(OptionError, match="of a GivenFile"):
        GivenFile(name, content)
