"""How seldom the hub draws a stream, and that nothing is lost by it."""

from dashboard.live.hub import Watch


def test_a_stream_that_costs_much_rests_ten_times_as_long() -> None:
    watch = Watch(head=(1,))

    watch.rest(since=100.0, now=100.25)

    assert not watch.is_due(102.4, is_round=True)
    assert watch.is_due(102.5, is_round=True)


def test_what_was_rung_for_is_due_without_a_round() -> None:
    watch = Watch(head=(1,))

    assert not watch.is_due(100.0, is_round=False)
    watch.is_rung = True
    assert watch.is_due(100.0, is_round=False)
