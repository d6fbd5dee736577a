"""Inputs of each type: moments with their zone, times, durations, numbers and money."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import Field

from procedures.engine import Context, Currency, Handle, OptionError, procedure
from procedures.engine.errors import AnswerError, QuestionError
from procedures.engine.kinds.questions import Question, new_question
from procedures.engine.values.formats import format_duration, plain_duration, read_duration
from procedures.engine.values.local_times import NoSuchTimeError, zoned
from procedures.engine.values.typed import texts_of
from procedures.testing import run_procedure, script

EUROS = Annotated[Decimal, Currency("EUR")]


def asked(hint: Any) -> Question:
    return new_question("input", "Which?", hint)


@pytest.mark.parametrize(
    ("hint", "sent", "value"),
    [
        (float, 1.5, 1.5),
        (date, "2026-12-31", date(2026, 12, 31)),
        (time, "09:30", time(9, 30)),
        (datetime, "2026-12-31T09:30Z", datetime(2026, 12, 31, 9, 30, tzinfo=UTC)),
        (timedelta, "90 min", timedelta(minutes=90)),
        (timedelta, "P1DT2H", timedelta(days=1, hours=2)),
        (timedelta, "1 day 2 h 30 min", timedelta(days=1, hours=2, minutes=30)),
        (timedelta, "1h30m", timedelta(minutes=90)),
        (timedelta, "2 days, 5 s", timedelta(days=2, seconds=5)),
        (timedelta, "0 s", timedelta()),
        (EUROS, "31.20", Decimal("31.20")),
        (EUROS, 31, Decimal(31)),
    ],
)
def test_the_procedure_gets_a_value_of_the_type(hint: Any, sent: Any, value: Any) -> None:
    found: list[Any] = []

    @procedure
    def asks(ctx: Context) -> None:
        found.append(ctx.ask("Which?", hint).value)
        ctx.approve("Go?")
        found.append(ctx.later.ask("Which?", hint, name="again").wait().value)

    run_procedure(asks, humans=script({"ask": sent, "again": sent, "approval": True}))

    assert found[-1] == value
    assert set(map(type, found)) == {type(value)}


@pytest.mark.parametrize(
    ("hint", "sent", "words"),
    [
        (float, "1.5", "must be a number"),
        (float, True, "must be a number"),
        *[(time, one, "a time like 09:30") for one in ("9:30", "24:00", "09:30:00+01:00", "noon")],
        *[
            (datetime, one, "a date and time with its zone")
            for one in (
                *("2026-12-31T09:30", "2026-12-31", "20261231T0930Z", "2026-02-30T09:30Z"),
                *("0001-01-01T00:00+23:59", "9999-12-31T23:00-23:00", "2026-12-31T09:30+25:00"),
            )
        ],
        *[
            (timedelta, one, "a duration like")
            for one in (
                *("soon", "-PT5M", "PT", "99999999 weeks", "P9999Y", "1" * 5000 + "s"),
                *("5", "h", "5 hs", "5 fortnights", "1 h and 5 min", "-5 min", "9" * 90 + "w"),
            )
        ],
        (timedelta, 90, "must be text"),
        (EUROS, "31.205", r"The answer must be a multiple of 0\.01"),
        (EUROS, "31.20 EUR", "a number like"),
        (Annotated[Decimal, Currency("JPY")], "1.5", "The answer must be a multiple of 1"),
        (Annotated[Decimal, Currency("KWD")], "1.0005", r"The answer must be a multiple of 0\.001"),
        (
            Annotated[Decimal, Field(le=100), Currency("EUR")],
            "100.01",
            "The answer must be at most 100",
        ),
    ],
)
def test_what_is_no_value_of_the_type_is_refused(hint: Any, sent: Any, words: str) -> None:
    with pytest.raises(AnswerError, match=words):
        asked(hint).check(sent)


@pytest.mark.parametrize(
    ("hint", "value", "words"),
    [
        (EUROS, "31.20", "31.20 EUR"),
        (timedelta, "PT26H30M", "1 day 2 h 30 min"),
        (timedelta, "P3D", "3 days"),
        (timedelta, "PT0S", "0 s"),
        (timedelta, "PT1.5S", "1.5 s"),
        (datetime, "2026-12-31T09:30:00+01:00", "31 Dec 2026, 09:30 +01:00"),
        (datetime, "2026-12-31T09:30:05Z", "31 Dec 2026, 09:30:05 UTC"),
        (date, "2026-12-31", "31 Dec 2026"),
        (time, "09:30", "09:30"),
    ],
)
def test_a_value_reads_as_people_write_it(hint: Any, value: str, words: str) -> None:
    assert asked(hint).label_of(value) == words


@pytest.mark.parametrize(
    ("hint", "typed", "value"),
    [
        (EUROS, "31.20 EUR", "31.20"),
        (EUROS, "eur 31.20", "31.20"),
        (float, "2.5", 2.5),
        (timedelta, "2h", "2h"),
    ],
)
def test_words_in_the_chat_are_read(hint: Any, typed: str, value: Any) -> None:
    question = asked(hint)

    assert question.rules.read_words(question, typed).value == value
    assert question.check(value)


@pytest.mark.parametrize("code", ["EURO", "eur", "", None, 5, ["EUR"], "XXX"])
def test_a_currency_that_is_none_is_refused_where_it_is_written(code: Any) -> None:
    with pytest.raises(OptionError, match="ISO 4217"):
        Currency(code)


@pytest.mark.parametrize("hint", [Annotated[str, Currency("EUR")], Annotated[int, Currency("EUR")]])
def test_a_currency_needs_a_decimal(hint: Any) -> None:
    with pytest.raises(QuestionError, match="constraints that aren't supported"):
        asked(hint)


@pytest.mark.parametrize(
    ("text", "zone", "value"),
    [
        ("2026-12-31T09:30", "Europe/Berlin", "2026-12-31T09:30+01:00"),
        ("2026-07-01T09:30", "Europe/Berlin", "2026-07-01T09:30+02:00"),
        ("2026-10-25T02:30", "Europe/Berlin", "2026-10-25T02:30+02:00"),
        ("2026-12-31T09:30", "", "2026-12-31T09:30"),
        ("2026-12-31T09:30", "../../etc/passwd", "2026-12-31T09:30"),
        ("2026-12-31T09:30", "Nowhere/Land", "2026-12-31T09:30"),
        ("2026-12-31T09:30Z", "Europe/Berlin", "2026-12-31T09:30Z"),
        ("soon", "Europe/Berlin", "soon"),
    ],
)
def test_a_local_time_gets_the_offset_of_its_zone(text: str, zone: str, value: str) -> None:
    assert zoned(text, [zone]) == value


def test_a_time_that_the_clocks_skip_is_refused() -> None:
    with pytest.raises(NoSuchTimeError, match="doesn't exist in Europe/Berlin"):
        zoned("2026-03-29T02:30", ["Europe/Berlin"])


def test_a_default_of_each_type_counts() -> None:
    @procedure
    def asks(ctx: Context) -> list[Any]:
        handles: list[Handle[Any]] = [
            ctx.later.ask("How long?", timedelta, expires="1h", default=timedelta(hours=2)),
            ctx.later.ask("How much?", EUROS, expires="1h", default=Decimal("1.50"), name="much"),
        ]
        return [str(one.wait().value) for one in handles]

    assert run_procedure(asks).result == ["2:00:00", "1.50"]


@pytest.mark.parametrize("seconds", [0, 1, 1.5, 59, 60, 5400, 86_400, 95_400.25, 3_000_000])
def test_a_duration_can_be_typed_as_it_is_shown(seconds: float) -> None:
    stored = plain_duration(f"PT{seconds}S")

    assert read_duration(format_duration(stored)) == timedelta(seconds=seconds)
    assert texts_of(stored, {"type": "string", "format": "duration"}) == [format_duration(stored)]
