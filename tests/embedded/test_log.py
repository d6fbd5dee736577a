"""The log a person reads."""

import os
from io import StringIO

import pytest

from dashboard.embedded.log import Log


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_names_stand_in_a_column() -> None:
    output = StringIO()
    log = Log(output)

    log.say("web", "GET / 200")
    log.say("worker", "ready")

    assert output.getvalue() == "web     GET / 200\nworker  ready\n"


def test_only_a_terminal_gets_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured, plain = Terminal(), Terminal()

    Log(coloured).say("web", "GET / 200")
    monkeypatch.setenv("NO_COLOR", "1")
    Log(plain).say("web", "GET / 200")

    assert coloured.getvalue() == "\033[36mweb     \033[0mGET / 200\n"
    assert plain.getvalue() == "web     GET / 200\n"


def test_a_reader_who_went_away_stops_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)

    with os.fdopen(writing, "w") as output:
        log = Log(output)
        log.say("web", "GET / 200")
        log.say("web", "GET / 200")


def test_what_the_terminal_cannot_show_stops_nothing() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="ascii") as output:
        Log(output).say("web", "31 €")

    with os.fdopen(reading, "rb") as shown:
        assert shown.read() == b"web     31 ?\n"
