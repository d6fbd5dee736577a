"""Subjects of runs: refused where they can't be filled in, one safe line everywhere else."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel

from procedures.engine import Context, DefinitionError, procedure
from procedures.engine.declaration.subjects import LONGEST_SUBJECT, subject_of
from procedures.engine.values import canonical
from procedures.testing import run_procedure
from tests.procedures.named import named_in_every_way, named_refund


class Address(BaseModel):
    """A part of an input."""

    street: str


@pytest.mark.parametrize(
    ("subject", "told"),
    [
        ("Refund {ammount} €", "names {ammount}, which isn't an input. Did you mean 'amount'?"),
        ("Refund {nothing_like_it}", "names {nothing_like_it}, which isn't an input."),
        ("{amount.real}", "contains {amount.real}. Write only the name of an input in braces."),
        ("{order[0]}", "contains {order[0]}. Write only the name of an input in braces."),
        ("{}", "contains {}. Write only the name of an input in braces."),
        ("{0}", "contains {0}. Write only the name of an input in braces."),
        ("{order!r}", "contains {order!r}. Omit !r."),
        ("{order:>99999999}", "contains {order:>99999999}. Numbers take a format such as ,.2f"),
        ("{amount:{order}}", "contains {amount:{order}}. Numbers take a format such as ,.2f"),
        ("{amount:099999999.2f}", "contains {amount:099999999.2f}."),
        ("{amount:d}", "contains {amount:d}."),
        ("{day:%c}", "contains {day:%c}."),
        ("{address}", "can't show the input address. Only strings, numbers"),
        ("Refund {amount", "can't be read: expected '}' before end of string."),
        ("Refund\n{amount}", "must be one line of at most 200 characters, with single spaces"),
        ("x" * (LONGEST_SUBJECT + 1), "must be one line of at most 200 characters, "),
    ],
)
def test_a_subject_that_cannot_be_filled_in_is_refused_at_the_declaration(
    subject: str, told: str
) -> None:
    def paying(ctx: Context, amount: Decimal, order: str, day: date, address: Address) -> None:
        pass

    with pytest.raises(DefinitionError) as refusal:
        procedure(subject=subject)(paying)

    assert str(refusal.value).startswith("paying: subject=")
    assert told in str(refusal.value)


def filled(subject: str, **inputs: Any) -> str:
    return subject_of(subject, canonical.text_of(canonical.jsonable(inputs)))


@pytest.mark.parametrize(
    ("subject", "inputs", "expected"),
    [
        ("{amount:,.2f} €", {"amount": Decimal("128000")}, "128,000.00 €"),
        ("{amount}", {"amount": Decimal("31.20")}, "31.20"),
        ("{amount:,.2f} €", {"amount": Decimal("1e999999999")}, "1E+999999999 €"),
        ("{share:.1%} of {count:,d}", {"share": 0.5, "count": 1000}, "50.0% of 1,000"),
        ("{day:%d.%m.%Y}", {"day": date(2026, 12, 24)}, "24.12.2026"),
        ("{at:%H:%M}", {"at": datetime(2026, 12, 24, 14, 2)}, "14:02"),  # noqa: DTZ001
        ("{names}", {"names": ["a", "b", "c", "d", "e"]}, "a, b, c and 2 more"),
        ("{names}", {"names": []}, "—"),
        ("{flag} {none}", {"flag": False, "none": None}, "no —"),
        ("{{{order}}}", {"order": "A-1"}, "{A-1}"),
        ("{order}", {"order": "{amount} {0.__class__}"}, "{amount} {0.__class__}"),
        ("{order}", {"order": "one\n two\t three"}, "one two three"),
        ("{order}", {"order": "a\u202eb\u0007c"}, "a\\u202eb\\u0007c"),
        ("{order}", {"order": "طلب 12"}, "طلب 12"),
        ("{order}", {"order": "x" * 100}, f"{'x' * 59}…"),
        (
            "{order}",
            {"order": "https://ann:hunter2@shop.example/"},
            "https://ann:***@shop.example/",
        ),
        ("{order}", {"order": "password=hunter2"}, "password=***"),
    ],
)
def test_values_are_shown_as_one_safe_line(
    subject: str, inputs: Mapping[str, Any], expected: str
) -> None:
    assert filled(subject, **inputs) == expected


def test_a_subject_is_no_longer_than_its_column() -> None:
    assert len(filled("{a} " * 40, a="y" * 60)) == LONGEST_SUBJECT


def test_a_run_in_memory_has_its_subject() -> None:
    run = run_procedure(named_refund, {"amount": "1234.5"})

    assert run.subject == "Refund 1,234.50 € for A-1"
    assert run_procedure(named_in_every_way, {"text": "Hello"}).subject == (
        "Hello · 12,345 · 26% · small · yes · — · —"
    )
