"""The progress of a step, in numbers that people read."""

import pytest

from dashboard.overview.words import progress_words


@pytest.mark.parametrize(
    ("done", "total", "words"),
    [
        (6.0608, 6, "6 of 6"),
        (3.456, 6, "3.46 of 6"),
        (1234567, 2000000, "1,234,567 of 2,000,000"),
        (0.1 + 0.2, 0.3, "0.3 of 0.3"),
        (10, None, "10"),
        (0, 5, "0 of 5"),
    ],
)
def test_progress_is_round_and_never_more_than_all(
    done: float, total: float | None, words: str
) -> None:
    assert progress_words(done, total) == words
