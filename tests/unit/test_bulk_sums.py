"""The sum of the amounts in prompts, which people see before they answer all of them at once."""

from decimal import Decimal

import pytest

from dashboard.pages.bulk import sum_amounts


@pytest.mark.parametrize(
    ("prompt", "amount"),
    [
        ("Pay 5 €?", "5"),
        ("Pay 31.20 € for 2024-1187?", "31.20"),
        ("2024-1187 31,20 €", "31.20"),
        ("Pay 1.000,50 EUR", "1000.50"),
        ("Pay 1.000.000 EUR", "1000000"),
        ("Pay “128,000.00 USD” now", "128000.00"),
        ("Pay 1'000 CHF", "1000"),
        ("Pay 12\u2019345\u2019678.90 CHF", "12345678.90"),
        ("Pay 1\xa0000\u202f€", "1000"),
    ],
)
def test_an_amount_is_read_as_it_is_written(prompt: str, amount: str) -> None:
    assert [total for total, _currency in sum_amounts([prompt])] == [Decimal(amount)]


@pytest.mark.parametrize(
    "prompt",
    [
        "Pay",
        "Pay −5 €",  # noqa: RUF001 (a minus sign)
        "Pay -5 €",
        "Pay 5 € of 10 €",
        "Pay 5 €, and take back -3 €",
        "Pay order 7 100 €",
        "Pay 1 000 €",
        "Pay 3 x 100 USD",
        "Pay 3 \xd7 100 USD",
        "Pay 1e3 €",
        "Pay 1_000 €",
        "Pay 0.999 €",
        "Pay 1.000 €",
        "Pay 1,000 €",
        "Take 1.459 EUR a litre",
        "Pay A5 €",
        "Pay \u0661\u0662\u0663 €",
        "Pay 5 EURO",
    ],
)
def test_prompts_whose_amount_is_uncertain_have_no_sum(prompt: str) -> None:
    assert sum_amounts([prompt]) == []
    assert sum_amounts(["Pay 5 €", prompt]) == []


def test_amounts_are_summed_by_currency() -> None:
    assert sum_amounts(["Pay 5 €", "Pay 1,000.50 €", "Pay 2 CHF"]) == [
        (Decimal(2), "CHF"),
        (Decimal("1005.50"), "€"),
    ]
