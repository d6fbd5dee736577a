"""How seldom the hub draws a stream, and that nothing is lost by it."""

from uuid import uuid4

from dashboard.live.hub import MOST_READS, Watch
from dashboard.live.streams import INBOX, RUNS, Stream
from dashboard.live.views import WHOLE, View

RUN = Stream("run", uuid4())


class Reader:
    """Somebody who follows."""

    def hand(self, frame: str) -> None: ...

    def view(self, _: Stream) -> View:
        return WHOLE


def test_a_stream_that_costs_much_rests_ten_times_as_long() -> None:
    watch = Watch(head=(1,))

    watch.rest(RUN, since=100.0, now=100.25)

    assert not watch.is_due(102.4, is_round=True)
    assert watch.is_due(102.5, is_round=True)


def test_what_was_rung_for_is_due_without_a_round() -> None:
    watch = Watch(head=(1,))

    assert not watch.is_due(100.0, is_round=False)
    watch.is_rung = True
    assert watch.is_due(100.0, is_round=False)


def test_a_doorbell_rings_the_more_seldom_the_more_people_would_read() -> None:
    alone, crowded = Watch(head=(0,), followers={Reader()}), Watch(head=(0,))
    crowded.followers |= {Reader() for _ in range(4 * MOST_READS)}

    for watch in (alone, crowded):
        watch.rest(RUNS, since=100.0, now=100.0)

    assert (alone.rests_until, crowded.rests_until) == (101.0, 104.0)


def test_the_inbox_rings_at_once_for_a_few() -> None:
    watch = Watch(head=(0,), followers={Reader()})

    watch.rest(INBOX, since=100.0, now=100.0)

    assert watch.rests_until == 100.25
