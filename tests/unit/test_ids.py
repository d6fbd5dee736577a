"""Ids that order by time."""

import time
from uuid import RFC_4122

import pytest

from procedures.models.ids import uuid7


def test_an_id_is_a_uuid_of_version_7() -> None:
    made = uuid7()

    assert (made.version, made.variant) == (7, RFC_4122)


def test_an_id_begins_with_its_millisecond() -> None:
    before = time.time_ns() // 1_000_000
    milliseconds = uuid7().int >> 80
    after = time.time_ns() // 1_000_000

    assert before <= milliseconds <= after


@pytest.mark.parametrize("step", [250, 1_000, 1_000_000, 10**9])
def test_a_later_id_is_larger_as_a_number_and_as_text(
    monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    moments = iter(range(1_800_000_000_000_999_000, 1_800_000_000_000_999_000 + 50 * step, step))
    monkeypatch.setattr(time, "time_ns", lambda: next(moments))

    made = [uuid7() for _ in range(50)]

    assert made == sorted(made)
    assert [one.hex for one in made] == sorted(one.hex for one in made)


def test_ids_of_one_moment_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_800_000_000_000_000_000)

    assert len({uuid7() for _ in range(1000)}) == 1000
