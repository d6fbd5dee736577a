import logging

import pytest

from dashboard.log_lines import LineFormatter


def line(level: int, message: str, *arguments: object) -> str:
    record = logging.LogRecord("dashboard.test", level, __file__, 1, message, arguments, None)
    return LineFormatter().format(record)


def test_news_is_the_bare_message() -> None:
    assert line(logging.INFO, "started %s", "run 7") == "started run 7"


def test_what_is_worse_says_how_bad_and_where() -> None:
    assert line(logging.ERROR, "lost %s", "it") == "ERROR dashboard.test: lost it"


def test_sign_in_tokens_stay_out() -> None:
    text = line(logging.WARNING, "Forbidden (%s): %s", "no cookie", "/sign-in/alice/abc-def0123")

    assert text == "WARNING dashboard.test: Forbidden (no cookie): /sign-in/alice/***"


@pytest.mark.parametrize(
    ("name", "level", "is_cut"),
    [
        ("celery.beat", logging.ERROR, True),
        ("celery.worker.request", logging.CRITICAL, True),
        ("kombu.asynchronous.hub", logging.ERROR, True),
        ("celery.worker", logging.CRITICAL, False),
        ("celery.app.trace", logging.ERROR, False),
    ],
)
def test_only_what_nobody_can_mend_here_is_cut_to_a_line(
    name: str, level: int, *, is_cut: bool
) -> None:
    error = ConnectionError("gone")
    trace = (ConnectionError, error, None)
    record = logging.LogRecord(name, level, __file__, 1, "Lost: %s\n%s", ("it", []), trace)

    text = LineFormatter().format(record)

    assert text.splitlines()[0] == f"{logging.getLevelName(level)} {name}: Lost: it"
    assert ("ConnectionError" not in text) is is_cut
