import logging

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
