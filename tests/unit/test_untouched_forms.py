"""A form that is sent as the page shows it changes no value."""

from collections.abc import Iterator
from datetime import UTC, datetime, time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import timezone
from pydantic import AwareDatetime

from dashboard.forms.layout import Builder
from dashboard.forms.schema import SchemaForm
from dashboard.forms.start import StartForm
from procedures.engine import Context, procedure
from procedures.engine.kinds.kind import Outcome
from procedures.engine.kinds.questions import Question, new_question
from procedures.engine.values import canonical
from procedures.engine.values.typed import read_fields
from tests.sent_forms import untouched

TEXT, NUMBER = {"type": "string"}, {"type": "number"}
MOMENT, TIME, DURATION = ({**TEXT, "format": one} for one in ("date-time", "time", "duration"))
TEXTS = {"type": "array", "items": TEXT}
LETTERS = {"type": "array", "items": {"type": "string", "enum": ["a", "b", "c"]}}
TRUTH = {"type": ["boolean", "null"]}
INSIDE = {"type": "object", "properties": {"body": TEXT, "count": NUMBER, "seen": TRUTH}}
VALUES = [
    (TEXT, "Dear Ann,\n\nthe parcel comes.\n"),
    (TEXT, " a\r\nb "),
    (TEXT, ""),
    ({"type": ["string", "null"]}, ""),
    (NUMBER, 100),
    (NUMBER, 100.0),
    (NUMBER, 10**30),
    ({"type": "integer"}, 1.0),
    (MOMENT, "2026-12-31T09:30:15.123456Z"),
    (MOMENT, "2026-10-25T02:30+01:00"),  # the later one of two that are 2:30 in Berlin
    (MOMENT, "1850-01-01T10:00Z"),
    (TIME, "09:30:15.123456"),
    (TIME, "09:30:00"),
    (TIME, "09:30"),
    (DURATION, "PT12.345678S"),
    (DURATION, "PT0.00001S"),
    (TEXTS, ["a\nb", " c ", ""]),
    ({**TEXTS, "type": ["array", "null"]}, None),
    (LETTERS, ["c", "a", "a"]),
    (TRUTH, None),
    (TRUTH, True),
    (TRUTH, False),
    (INSIDE, {"body": "a\nb", "count": 1, "seen": None}),
    (INSIDE, {"count": 2}),
    ({"type": "array", "items": INSIDE}, [{"body": "a\nb", "count": 1}, {"seen": True}]),
]


@pytest.fixture(autouse=True)
def _berlin() -> Iterator[None]:
    with timezone.override("Europe/Berlin"):
        yield


def schema_of(field: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {"it": field}, "required": []}


def drawn(schema: Any) -> str:
    """The fields as a page shows them."""
    builder = Builder()
    layout = builder.layout(schema)
    for one in builder.fields.values():
        one.send_zone()
    form = SchemaForm(builder.fields, prefix="field", layout=layout)
    return render_to_string("dashboard/form/_form.html", {"form": form, "has_decisions": True})


@pytest.mark.parametrize(("field", "value"), VALUES)
def test_proposed_values_that_nobody_touched_are_approved(
    field: dict[str, Any], value: Any
) -> None:
    values = {"it": value}
    question = new_question("action", "Go?", values, schema=schema_of(field), evidence=values)

    assert outcome_of(question) == Outcome.APPROVED


def test_what_a_program_left_out_of_the_proposed_values_stays_out() -> None:
    fields = {f"{at}": one for at, (one, _) in enumerate(VALUES)} | {"is_new": {"type": "boolean"}}
    schema = {"type": "object", "properties": fields}
    question = new_question("action", "Go?", {}, schema=schema, evidence={})

    assert outcome_of(question) == Outcome.APPROVED


def outcome_of(question: Question) -> Outcome:
    changes = question.controls[0]
    sent = untouched(drawn(changes.schema))  # type: ignore[attr-defined]
    sent |= {changes.sent_as: ["shown"], "decision": ["approved"]}
    answer = question.check(question.read_controls(lambda name: sent.get(name, [])))
    return question.outcome_of(answer)


@pytest.mark.parametrize(("field", "value"), VALUES)
def test_a_default_that_nobody_touched_is_the_answer(field: dict[str, Any], value: Any) -> None:
    question = new_question("form", "Where?", schema=schema_of({**field, "default": value}))
    sent = untouched(drawn(question.schema))

    read = read_fields(question.schema, lambda name: sent.get(f"field-{name}", []))

    kept = question.schema["properties"]["it"]["default"]
    assert canonical.text_of(question.check(read)) == canonical.text_of({"it": kept})


def test_what_people_change_is_their_answer() -> None:
    question = new_question("form", "Where?", schema=schema_of({**MOMENT, "default": VALUES[9][1]}))

    for sent, kept in (("2026-10-25T02:31", "2026-10-25T02:31+02:00"), ("", "")):
        assert read_in_berlin(question.schema, sent) == {"it": kept}


def read_in_berlin(schema: dict[str, Any], sent: str) -> dict[str, Any]:
    texts = {"it": [sent], "it~zone": ["Europe/Berlin"]}
    return read_fields(schema, lambda name: texts.get(name, []))


def test_an_old_local_time_has_an_offset_that_can_be_written() -> None:
    read = read_in_berlin(schema_of(MOMENT), "1850-01-01T10:00")

    assert read == {"it": "1850-01-01T09:06:32+00:00"}


@procedure
def alarm(
    ctx: Context,
    at: time = time(9, 30, 15, 123456),
    local: datetime = datetime(2026, 12, 31, 9, 30, 0, 5),  # noqa: DTZ001
    exact: AwareDatetime = datetime(2026, 12, 31, 9, 30, 15, 5, UTC),
) -> None: ...


def test_default_times_with_microseconds_start_a_run_as_they_are() -> None:
    sent = untouched(
        render_to_string("dashboard/form/_form.html", {"form": StartForm(alarm, by=User(pk=1))})
    )
    assert list(sent.values()) == [["09:30:15"], ["2026-12-31T09:30"], ["2026-12-31T10:30:15"]]

    request = RequestFactory().post("/", sent)

    assert StartForm(alarm, by=User(pk=1), request=request).inputs() == {}


@procedure
def letter(ctx: Context, body: str = "Dear Ann,\n\nthe parcel comes.\n") -> None: ...


def test_a_default_of_several_lines_starts_a_run_as_it_is() -> None:
    sent = untouched(
        render_to_string("dashboard/form/_form.html", {"form": StartForm(letter, by=User(pk=1))})
    )
    assert sent == {"body": ["Dear Ann,\r\n\r\nthe parcel comes.\r\n"]}

    request = RequestFactory().post("/", sent)

    assert StartForm(letter, by=User(pk=1), request=request).inputs() == {}
