"""Journals that somebody without the key has tampered with."""

from datetime import UTC, datetime

import pytest

from procedures.engine.journal.events import Event, EventKind, NewEvent, chain, mark
from procedures.engine.journal.ledger import Ledger

KEY = b"a key"
LENGTH = 12
AT = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)


def written(length: int = LENGTH, *, key: bytes = KEY) -> list[Event]:
    events: list[Event] = []
    for seq in range(1, length + 1):
        draft = NewEvent(EventKind.LOG, "", "log", {"text": str(seq)})
        head = events[-1].hash if events else ""
        events.append(chain(draft, run_id="run", seq=seq, at=AT, head=head, key=key))
    return events


def told(events: list[Event], *, head: Event | None = None, key: bytes = KEY) -> list[str]:
    head = head or written()[-1]
    damages = Ledger("run", head.seq, head.hash, key).damages(sorted(events, key=lambda e: e.seq))
    return [str(damage) for damage in damages]


def renumbered(events: list[Event], by: int) -> list[Event]:
    return [event._replace(seq=event.seq + by) for event in events]


def forged(seq: int, mark: str = "f" * 64) -> Event:
    return Event(seq, "step.succeeded", "pay", "pay", '{"value":1}', AT, mark)


@pytest.mark.parametrize("length", [0, 1, LENGTH])
def test_nothing_is_said_of_a_sound_journal(length: int) -> None:
    events = written(length)
    head = events[-1] if events else forged(0, mark="")
    assert told(events, head=head) == []


@pytest.mark.parametrize("seq", [1, 5, LENGTH])
@pytest.mark.parametrize(
    "change",
    [
        {"kind": "notice"},
        {"key": "other"},
        {"name": "other"},
        {"data": "{}"},
        {"at": datetime(2026, 3, 4, 5, 7, tzinfo=UTC)},
        {"data": "{}", "hash": "0" * 64},
    ],
    ids="+".join,
)
def test_a_changed_event_is_named(seq: int, change: dict[str, object]) -> None:
    events = written()
    events[seq - 1] = events[seq - 1]._replace(**change)  # type: ignore[arg-type] # any column
    assert told(events) == [f"Event {seq} was changed after it was written."]


@pytest.mark.parametrize("seq", [1, 5, LENGTH - 1])
def test_a_missing_event_is_named(seq: int) -> None:
    events = written()
    assert told(events[: seq - 1] + events[seq:]) == [f"Event {seq} is missing."]


def test_missing_events_are_named_although_the_rest_was_renumbered() -> None:
    events = written()
    assert told(events[:4] + renumbered(events[6:], -2)) == [
        "Events 5 to 6 are missing.",
        "Events 5 to 10 were originally numbers 7 to 12.",
    ]


def test_an_event_that_was_inserted_is_named() -> None:
    events = written()
    assert told([*events[:4], forged(5), *renumbered(events[4:], 1)]) == [
        "Event 5 was inserted.",
        "Events 6 to 13 were originally numbers 5 to 12.",
    ]


def test_events_put_after_the_end_are_named() -> None:
    assert told([*written(), forged(13), forged(14)]) == ["Events 13 to 14 were inserted."]


def test_another_runs_event_is_no_event_of_this_one() -> None:
    events = written()
    other = chain(NewEvent(EventKind.LOG), run_id="other", seq=5, at=AT, head="", key=KEY)
    assert told([*events[:4], other, *events[5:]]) == [
        ("Event 5 was changed after it was written.")
    ]


def test_events_in_each_others_place_are_named() -> None:
    events = written()
    swapped = [events[4]._replace(seq=6), events[5]._replace(seq=5)]
    assert told([*events[:4], *swapped, *events[6:]]) == [
        "Event 5 was originally number 6.",
        "Event 6 was originally number 5.",
    ]


def test_a_journal_whose_end_is_cut_off_says_so() -> None:
    assert told(written()[:9]) == ["Events 10 to 12, the last ones, are missing."]
    assert told(written()[:11]) == ["Event 12, the last one, is missing."]
    assert told([]) == ["Events 1 to 12, the last ones, are missing."]


def test_what_the_run_says_of_its_end_is_examined() -> None:
    last = written()[-1]
    changed = "The run's record of its last event, 12, has been changed."
    assert told(written(), head=last._replace(hash="0" * 64)) == [changed]
    assert told(written()[:9], head=last._replace(seq=9)) == [changed.replace("12", "9")]


def test_a_head_beyond_all_reason_is_told_at_once() -> None:
    head = written()[-1]._replace(seq=2**62)
    assert told(written(), head=head) == [
        f"Events 13 to {2**62}, the last ones, are missing.",
    ]
    assert told(written()[:4], head=head) == [f"Events 5 to {2**62}, the last ones, are missing."]
    assert told(written()[5:], head=head)


def test_several_faults_are_all_told() -> None:
    events = written(40)
    events[4] = events[4]._replace(data="{}")
    kept = events[:9] + events[10:19] + [forged(20)] + events[20:38]
    assert told(kept, head=events[-1]) == [
        "Event 5 was changed after it was written.",
        "Event 10 is missing.",
        "Event 20 was changed after it was written.",
        "Events 39 to 40, the last ones, are missing.",
    ]


def test_many_renumbered_events_are_one_damage() -> None:
    events = written(400)
    shifted = [*events[:4], forged(5), *renumbered(events[4:], 1)]
    assert told(shifted, head=events[-1]) == [
        "Event 5 was inserted.",
        "Events 6 to 401 were originally numbers 5 to 400.",
    ]


def test_a_search_that_finds_no_end_says_where_it_gave_up() -> None:
    events = written(400)
    for place in range(0, 400, 2):
        events[place] = events[place]._replace(data="{}")
    found = told(events, head=written(400)[-1])
    assert len(found) == 101
    assert found[0] == "Event 1 was changed after it was written."
    assert found[-1] == "Nothing could be verified from event 200 on."


def test_a_long_gap_in_renumbered_events_ends_the_search() -> None:
    events = written(1300)
    gone = events[:4] + renumbered(events[1104:], -1100)
    assert told(gone, head=events[-1]) == ["Nothing could be verified from event 5 on."]
    gone = events[:4] + renumbered(events[903:], -899)
    assert "Events 5 to 903 are missing." in told(gone, head=events[-1])


def test_a_journal_rebuilt_without_the_key_proves_nothing() -> None:
    rebuilt = written(key=b"another")
    assert told(rebuilt, head=rebuilt[-1]) == ["Nothing could be verified from event 1 on."]


def test_text_that_moves_from_one_field_to_the_next_changes_the_mark() -> None:
    event = Event(1, "log", "ab", "c", "{}", AT, "")
    moved = [event._replace(key="a", name="bc"), event._replace(name="c{}", data="")]

    marks = {mark(one, run_id="7", seq=1, head="", key=KEY) for one in (event, *moved)}

    assert len(marks) == 3
