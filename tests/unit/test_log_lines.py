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


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a\nERROR forged", "a\\nERROR forged"),
        ("a\r\nb", "a\\r\\nb"),
        ("\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("a\u2028b\x85c\x00", "a\\u2028b\\x85c\\x00"),
        ("name\tÉ €", "name\tÉ €"),
    ],
)
def test_no_text_begins_a_line_or_drives_a_terminal(text: str, written: str) -> None:
    assert line(logging.INFO, "said %s", text) == f"said {written}"
    assert line(logging.ERROR, text) == f"ERROR dashboard.test: {written}"


def test_no_line_of_a_traceback_looks_like_a_line_of_the_log() -> None:
    error = ValueError("x\nERROR dashboard: forged\x1b[31m")
    trace = (ValueError, error, None)
    record = logging.LogRecord("dashboard.test", logging.ERROR, __file__, 1, "Lost", (), trace)

    first, *more = LineFormatter().format(record).splitlines()

    assert first == "ERROR dashboard.test: Lost"
    assert any("forged" in one for one in more)
    assert all(one.startswith("    ") and "\x1b" not in one for one in more)


def test_a_foreign_host_is_one_line() -> None:
    error = ValueError("Invalid HTTP_HOST header")
    trace = (ValueError, error, None)
    name = "django.security.DisallowedHost"
    record = logging.LogRecord(name, logging.ERROR, __file__, 1, "Invalid\nhost", (), trace)

    assert LineFormatter().format(record) == f"ERROR {name}: Invalid"


def test_secrets_stay_out() -> None:
    text = line(logging.ERROR, "redis://:hunter2@cache:6379 refused (password=hunter3)")

    assert "hunter" not in text
    assert "cache:6379" in text
