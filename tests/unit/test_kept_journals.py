"""The events of a run that a worker's process keeps while the run waits."""

from datetime import UTC, datetime

import pytest

from procedures.engine.journal.events import Event, NewEvent, chained
from procedures.journal import kept_journals
from procedures.journal.kept_journals import KeptJournal, KeptJournals, Place, size_of

AT = datetime(2026, 3, 1, tzinfo=UTC)
RUN = "run"


def events(count: int, *, after: int = 0, text: str = "") -> list[Event]:
    drafts = [NewEvent("log", data={"text": text}) for _ in range(count)]
    return chained(drafts, run_id=RUN, after=after, at=AT, head="", key=b"key")


def end_of(journal: list[Event], base_seq: int = 0) -> Place:
    return Place(base_seq, journal[-1].seq, journal[-1].hash)


@pytest.fixture(autouse=True)
def _of_any_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_journals, "SHORTEST", 1)


def test_the_events_of_a_claim_are_kept_with_those_before() -> None:
    kept, first, second = KeptJournals(), events(2, after=5), events(3, after=7)
    both = [*first, *second]
    journal = KeptJournal(5, first)
    journal.add(second)

    kept.keep(RUN, journal)

    assert kept.size == size_of(both)
    found = kept.take(RUN, end_of(second, 5))
    assert found
    assert found.events == both
    assert kept.size == 0


@pytest.mark.parametrize("base_seq", [0, 1])
@pytest.mark.parametrize("last", [1, 2])
def test_only_the_journal_from_the_same_beginning_to_the_same_end_is_used(
    base_seq: int, last: int
) -> None:
    kept, stored = KeptJournals(), events(2)
    kept.keep(RUN, KeptJournal(0, stored))

    found = kept.take(RUN, end_of(stored[:last], base_seq))

    assert (found is not None) == ((base_seq, last) == (0, 2))
    assert kept.size == 0


@pytest.mark.parametrize("seq", [2, 4])
def test_a_journal_in_which_events_are_missing_or_doubled_is_not_kept(seq: int) -> None:
    kept, journal = KeptJournals(), KeptJournal(0, events(2))

    journal.add(events(1, after=seq - 1))
    journal.add(events(1, after=seq))
    kept.keep(RUN, journal)

    assert RUN not in kept


def test_a_journal_that_becomes_too_large_takes_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    journal = KeptJournal(0, events(2))
    journal.measure()
    monkeypatch.setattr(kept_journals, "LARGEST", 2 * journal.size)

    journal.add(events(2, after=2))
    assert len(journal.events) == 4
    journal.add(events(1, after=4))

    assert journal.events == []


def test_the_size_counts_bytes_instead_of_characters() -> None:
    assert size_of(events(1, text="漢" * 1000)) >= size_of(events(1, text="a" * 1000)) + 1000
