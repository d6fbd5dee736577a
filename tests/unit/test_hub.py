"""The hub draws a stream seldom, and nothing is lost by it."""

from uuid import uuid4

from dashboard.live.frames import Frame
from dashboard.live.streams import Stream
from dashboard.live.threads import CallResult
from dashboard.live.watches import Watch

RUN, SESSION = Stream("run", uuid4()), Stream("session", uuid4())
FRAMES = [Frame({"seq": seq}) for seq in range(10)]


def test_a_stream_that_costs_much_rests_ten_times_as_long() -> None:
    watch = Watch(RUN, "page", head=(1,))

    watch.rest(CallResult(FRAMES, worked=0.25, took=0.25), now=100.25)

    assert not watch.is_due(102.4, is_round=True)
    assert watch.is_due(102.5, is_round=True)


def test_waiting_for_the_database_makes_a_stream_rest_no_longer_than_it_took() -> None:
    watch = Watch(RUN, "page", head=(1,))

    watch.rest(CallResult(FRAMES, worked=0.01, took=0.25), now=100.25)

    assert (watch.is_due(100.49, is_round=True), watch.is_due(100.5, is_round=True)) == (
        False,
        True,
    )


def test_changes_that_are_drawn_once_rest_only_to_be_sent_together() -> None:
    watch = Watch(SESSION, "page", head=(1,))

    watch.rest(CallResult(FRAMES, worked=0.25, took=0.1), now=100.1)
    assert not watch.is_due(100.14, is_round=True)
    assert watch.is_due(100.16, is_round=True)

    watch.rest(CallResult(FRAMES, worked=0.001, took=0.002), now=200.0)
    assert watch.is_due(200.01, is_round=True)


def test_what_was_rung_for_is_due_without_a_round() -> None:
    watch = Watch(RUN, "page", head=(1,))

    assert not watch.is_due(100.0, is_round=False)
    watch.is_rung = True
    assert watch.is_due(100.0, is_round=False)
