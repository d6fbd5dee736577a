"""Runs on pages: their states, and the one sentence for each."""

from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from dashboard.overview.facts import Facts
from dashboard.overview.states import state_of
from dashboard.overview.waiting import OpenWait, Progress
from procedures.engine.journal.events import RunStatus, closing
from procedures.engine.values import canonical
from procedures.models import Procedure, Run
from tests.overviews import NINE, asking, at, operation, run


def facts_of(one: Run, **known: Any) -> Facts:
    return Facts(one, timezone.now(), **known)


def error(kind: str, message: str, **more: str) -> str:
    return canonical.text_of({"type": kind, "message": message, **more})


def sentence(facts: Facts) -> str:
    return str(state_of(facts).sentence)


def waiting_for(*openings: OpenWait, **run_values: Any) -> Facts:
    return facts_of(run(RunStatus.WAITING, **run_values), openings=openings)


def words(facts: Facts) -> str:
    return str(state_of(facts).words)


def test_queued() -> None:
    facts = facts_of(run(RunStatus.QUEUED))

    assert words(facts) == "Queued"
    assert sentence(facts) == "Waiting for a free worker since 09:00."


def test_queued_again_by_an_answer() -> None:
    answered = {**asking(), **closing("approved", responder="bob")}
    facts = facts_of(run(RunStatus.QUEUED), answered=answered)

    assert sentence(facts) == (
        "Refund 7 €? was answered by bob: approved. The run continues as soon as a worker is free."
    )


def test_queued_again_by_the_clock() -> None:
    facts = facts_of(run(RunStatus.QUEUED), answered=closing("elapsed", responder="system: clock"))

    assert sentence(facts) == "The time is up. The run continues as soon as a worker is free."


def test_running_between_steps_and_within_one() -> None:
    working = run(RunStatus.RUNNING, working_on="pay", working_attempt=2, working_since=NINE)

    assert sentence(facts_of(run(RunStatus.RUNNING))) == "Working on the next step."
    assert sentence(facts_of(working)) == "Working on pay for 09:00 (attempt 2)."
    assert sentence(facts_of(working, progress="3 of 9")).endswith(" Progress: 3 of 9")


@pytest.mark.parametrize(
    ("options", "end"),
    [
        ({}, "The question has no deadline."),
        (
            {"expires": "1h", "default": False},
            "If nobody answers by 10:00, that counts as “Do not refund”.",
        ),
        ({"expires": "1h", "on_timeout": "fail"}, "If nobody answers by 10:00, the run fails."),
        (
            {"expires": "1h", "on_timeout": "withdraw"},
            "If nobody answers by 10:00, the run continues without an answer.",
        ),
    ],
)
def test_waiting_for_people_says_what_silence_does(options: dict[str, Any], end: str) -> None:
    due = at(3600) if options else None
    facts = waiting_for(OpenWait(asking(assign="finance", **options), NINE, due))

    assert words(facts) == "Waiting for Finance"
    assert state_of(facts).look == "person"
    assert sentence(facts) == f"Waiting for Finance to answer Refund 7 €? since 09:00. {end}"


def test_waiting_for_time() -> None:
    facts = waiting_for(OpenWait({"wait": "timer"}, NINE, at(60)))

    assert (words(facts), state_of(facts).look) == ("Waiting until 09:01", "timer")
    assert sentence(facts) == "Waiting since 09:00. The run continues at 09:01."


SIGNAL = {"wait": "signal", "signal": "paid"}


def test_several_waits_are_all_named() -> None:
    first = OpenWait(asking(assign="finance"), NINE)
    second = OpenWait(asking(assign="@bob", expires="1h", on_timeout="fail"), NINE, at(3600))
    others = [OpenWait(SIGNAL, NINE), OpenWait({"wait": "child", "procedure": "pack"}, NINE)]

    assert sentence(waiting_for(first, second, *others)) == (
        "Waiting for 4 things since 09:00: Finance to answer Refund 7 €?, bob to answer Refund 7 "
        "€? (if unanswered by 10:00, the run fails), the signal paid and a run of pack."
    )
    assert words(waiting_for(first, second)) == "Waiting for Finance and bob"
    assert sentence(waiting_for(*[others[0]] * 9)).endswith("the signal paid and 3 more.")


def test_a_timer_that_may_withdraw_a_question_is_told() -> None:
    question = OpenWait(asking(assign="finance"), NINE, part_of=1, progress=Progress(0, 1))
    timer = OpenWait({"wait": "timer"}, NINE, at(60), part_of=1, progress=Progress(0, 1))

    assert sentence(waiting_for(question, timer)) == (
        "Waiting for 2 things since 09:00: Finance to answer Refund 7 €? or a timer that ends at "
        "09:01. The run continues as soon as one of these arrives, without waiting for the rest. "
        "If the timer ends first, at 09:01, the question may be withdrawn."
    )


@pytest.mark.parametrize(
    ("need", "end"),
    [
        (
            2,
            "or the signal paid. The run continues as soon as 2 of these arrive, without waiting "
            "for the rest.",
        ),
        (3, "and the signal paid."),
    ],
)
def test_a_set_tells_how_many_count(need: int, end: str) -> None:
    openings = [OpenWait(SIGNAL, NINE, part_of=1, progress=Progress(0, need))] * 3

    assert sentence(waiting_for(*openings)).endswith(end)


def test_a_set_and_votes_tell_how_many_have_come_and_from_whom() -> None:
    some = Progress(2, 5, ["bob", "carol"])
    openings = [OpenWait(asking(assign="finance"), NINE, part_of=1, progress=some)] * 3
    voted = OpenWait(asking(assign="finance", quorum=2), NINE)

    assert words(waiting_for(*openings)) == "Waiting for Finance (2 of 5)"
    for some_of_them in (openings, openings[:1]):
        told = "Arrived so far: 2 of 5. bob and carol answered."
        assert told in sentence(waiting_for(*some_of_them))
    assert words(waiting_for(voted)) == "Waiting for Finance (0 of 2)"
    assert "2 people must agree. Nobody has voted yet." in sentence(waiting_for(voted))
    voted = replace(voted, votes=["bob"])
    assert words(waiting_for(voted)) == "Waiting for Finance (1 of 2)"
    assert "1 of 2 votes so far, from bob." in sentence(waiting_for(voted))
    assert "Refund 7 €? (1 of 2 votes so far)" in sentence(waiting_for(voted, openings[0]))
    assert words(waiting_for(voted, openings[0])) == "Waiting for Finance"


def test_a_limit_that_ends_the_run_before_anybody_answers_is_told() -> None:
    open_end = sentence(waiting_for(OpenWait(asking(), NINE), ends_at=at(60)))
    sooner = sentence(waiting_for(OpenWait({"wait": "timer"}, NINE, at(30)), ends_at=at(60)))

    assert open_end.endswith(
        "has no deadline. At 09:01, the run reaches its time limit and is ended."
    )
    assert sooner.endswith("continues at 09:00.")


@pytest.mark.parametrize(
    ("status", "end"),
    [
        (RunStatus.QUEUED, "Queued since 09:00."),
        (RunStatus.WAITING, "Waiting since 09:00. The run continues at 09:01."),
        (RunStatus.RETRYING, "pay failed: OSError: No line."),
    ],
)
def test_a_run_without_its_code_is_stuck_whatever_it_stands_at(status: RunStatus, end: str) -> None:
    gone = run(status, procedure=Procedure(name="gone"))
    openings = [OpenWait({"wait": "timer"}, NINE, at(60))] if status == "waiting" else []
    failure = {"step": "pay", "type": "OSError", "message": "No line.", "attempt": 1}
    facts = facts_of(gone, openings=openings, failure=failure, is_removed=True)

    assert (words(facts), state_of(facts).look) == ("Stuck", "quarantined")
    assert sentence(facts) == (
        "Stuck: this site has no code for the procedure gone. Restore the code and restart the "
        f"workers, or use “End at once”. {end}"
    )


def test_what_is_paused_or_ended_without_its_code_is_not_stuck() -> None:
    ended, paused = (
        facts_of(run(status, procedure=Procedure(name="gone"), ended_at=NINE), is_removed=True)
        for status in (RunStatus.SUCCEEDED, RunStatus.PAUSED)
    )

    assert sentence(ended) == "Finished after 0 ms."
    assert sentence(paused).endswith(
        "This site has no code for the procedure gone. Restore the code before you resume the run."
    )


@pytest.mark.parametrize(
    ("opened", "closed", "told"),
    [
        (SIGNAL, closing("received", 1, responder="bob"), "The signal has arrived"),
        (
            SIGNAL,
            closing("expired", responder="system: deadline", timed_out=True),
            "The time is up",
        ),
        ({"wait": "child"}, closing("failed", responder="s"), "The child run has ended"),
        (
            asking(),
            closing("expired", responder="system: deadline", timed_out=True),
            "Nobody answered Refund 7 €? in time",
        ),
        (asking(), closing("withdrawn", responder="dave"), "Refund 7 €? was withdrawn"),
    ],
)
def test_what_no_worker_has_taken_in_is_told_as_what_it_is(
    opened: dict[str, Any], closed: dict[str, Any], told: str
) -> None:
    facts = facts_of(run(RunStatus.QUEUED), answered={**opened, **closed})

    assert sentence(facts) == f"{told}. The run continues as soon as a worker is free."


def test_what_was_undone_is_not_kept() -> None:
    facts = facts_of(run(RunStatus.CANCELLED, ended_at=NINE), kept=3, undone=2, to_undo=2)
    partly = facts_of(run(RunStatus.CANCELLED, ended_at=NINE), kept=3, undone=1, to_undo=2)

    assert sentence(facts) == "Cancelled. 2 steps were undone."
    assert sentence(partly) == ("Cancelled. Steps undone: 1 of 2. Check the rest by hand.")


def test_retrying() -> None:
    failure = {"step": "pay", "type": "OSError", "message": "No line.", "attempt": 1}
    facts = facts_of(run(RunStatus.RETRYING, wake_at=at(60)), failure=failure)

    assert words(facts) == "Retrying"
    assert sentence(facts) == "pay failed: OSError: No line. Attempt 2 follows at 09:01."
    for since, told in (
        (timezone.now(), ""),
        (NINE, "Retrying for 09:00. There have been 14 attempts so far. "),
    ):
        facts.failure |= {"since": since, "attempt": 14}
        assert sentence(facts).startswith(f"{told}pay failed: OSError")


def test_done() -> None:
    ended = run(RunStatus.SUCCEEDED, ended_at=at(960))

    assert words(facts_of(ended)) == "Done"
    assert sentence(facts_of(ended)) == "Finished after 16 min."
    assert sentence(facts_of(ended, kept=2, answers=1)) == (
        "Finished after 16 min: 2 steps and 1 question to people."
    )
    assert sentence(facts_of(ended, kept=0)) == "Finished after 16 min without any steps or waits."
    assert sentence(facts_of(ended, kept=0, others=2)) == "Finished after 16 min: 2 waits."


def test_failed_in_a_step() -> None:
    told = error("StepFailedError", "send_mail: SMTPError: 550")
    facts = facts_of(run(RunStatus.FAILED, error=told, ended_at=at(1)), kept=3)

    assert words(facts) == "Failed"
    assert (
        sentence(facts) == "Failed in send_mail: SMTPError: 550. 3 finished steps weren't undone."
    )


def test_an_error_of_the_engine_is_told_in_its_words_alone() -> None:
    told = error("RequestExpiredError", "Nobody answered 'Hurry?' in time.")
    facts = facts_of(run(RunStatus.FAILED, error=told, ended_at=NINE), kept=1)

    assert (
        sentence(facts)
        == "Failed: Nobody answered 'Hurry?' in time. 1 finished step wasn't undone."
    )


def test_failed_outside_of_steps() -> None:
    facts = facts_of(run(RunStatus.FAILED, error=error("ValueError", "No."), ended_at=NINE), kept=0)

    assert sentence(facts) == "Failed: ValueError: No. No step had finished."


def test_paused_cancelled_quarantined() -> None:
    told = error("Mismatch", "The code now ends", remedy="Bring it back.")
    cancelled = facts_of(run(RunStatus.CANCELLED, ended_at=NINE), kept=1)
    asked = [OpenWait(asking(assign="finance"), NINE)]
    quarantined = facts_of(run(RunStatus.QUARANTINED, error=told), openings=asked)

    assert sentence(facts_of(run(RunStatus.PAUSED))) == (
        "Paused since 09:00. The run does nothing until somebody resumes it."
    )
    assert sentence(cancelled) == "Cancelled. 1 finished step wasn't undone."
    assert sentence(quarantined) == "This run can't continue: The code now ends. Bring it back."
    assert (words(quarantined), state_of(quarantined).look) == ("Quarantined", "quarantined")


def test_a_cancelled_run_tells_who_cancelled_it_and_why() -> None:
    said = {"action": "cancel", "by": "dave", "reason": "Ordered twice"}
    facts = facts_of(run(RunStatus.CANCELLED, ended_at=NINE), cancelled=said, kept=2)

    assert sentence(facts) == "Cancelled by dave: “Ordered twice”. 2 finished steps weren't undone."


def test_a_run_that_was_ended_at_once_says_so() -> None:
    said = operation("force_end") | {"forced": True}
    facts = facts_of(run(RunStatus.CANCELLED, ended_at=NINE), cancelled=said, kept=2)

    told = "Ended at once by dave: “Why not?” 2 finished steps weren't undone."
    assert sentence(facts) == told


def test_a_paused_run_tells_who_paused_it_and_that_it_can_be_answered() -> None:
    paused = run(RunStatus.PAUSED, pause_requested_at=NINE)
    facts = facts_of(paused, openings=[OpenWait(asking(), at(5))], paused=operation("pause"))

    assert sentence(facts) == (
        "Paused by dave since 09:00: “Why not?” The run does nothing until somebody resumes it. "
        "Its questions can still be answered."
    )
    assert (words(facts), state_of(facts).look) == ("Paused", "paused")


def test_a_working_run_that_is_asked_to_pause_says_so() -> None:
    asked_to_pause = run(RunStatus.RUNNING, pause_requested_at=NINE, working_on="charge")

    assert sentence(facts_of(asked_to_pause)) == (
        "This run is being paused. It stops when charge has finished."
    )


def test_a_working_run_that_is_asked_to_stop_says_so() -> None:
    asked_to_stop = run(RunStatus.RUNNING, cancel_requested_at=NINE, working_on="charge")

    assert sentence(facts_of(asked_to_stop)) == (
        "This run is being cancelled. It ends when charge has finished."
    )


def test_every_status_has_its_words() -> None:
    for status in RunStatus:
        facts = facts_of(run(status, ended_at=NINE, error=error("E", "m")))
        assert str(state_of(facts).words)[0].isupper()
        assert str(state_of(facts).sentence).endswith(".") or status == "quarantined"
