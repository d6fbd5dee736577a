"""Amounts of money, read from the notations used in exports and added up exactly."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow

from examples.sheets import shown

MONEY = Context(
    prec=40, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow]
)
"""A separate decimal context, because other libraries may change the process's default context."""
CENT = Decimal("0.01")
LARGEST = Decimal("999999999.99")
MINUS = ("-", "\u2212")
SPACES = " \u00a0\u202f"
WHOLE = re.compile(r"[0-9]+")
DECIMALS = re.compile(r"[0-9]+(?P<mark>[.,])[0-9]{1,2}")
GROUPED = re.compile(
    rf"[0-9]{{1,3}}(?P<group>[{SPACES}'\u2019.,])[0-9]{{3}}(?:(?P=group)[0-9]{{3}})*"
    r"(?:(?P<mark>(?!(?P=group))[.,])[0-9]{1,2})?"
)


@dataclass(frozen=True)
class Amount:
    """An amount of money, parsed from a cell."""

    value: Decimal
    """An amount of zero or more, with two decimals."""
    mark: str
    """The decimal mark in the cell, "." or ","; "" if the amount in the cell has no decimals."""


def read_amount(cell: str) -> Amount:
    """Return the amount in a cell like 31.20, 31,20 or 1.234,50.

    Raises `ValueError` for anything else, even for an ambiguous number like 1.234. The error's text
    is the second half of a sentence that begins with the number of the line, like "has the negative
    amount …".
    """
    quoted = shown(cell)
    if cell.startswith(MINUS) and WHOLE.match(cell, 1):
        raise ValueError(
            f"has the negative amount {quoted}. Write the amount to refund without a minus sign"
        )
    if WHOLE.fullmatch(cell):
        number, mark = cell, ""
    elif found := DECIMALS.fullmatch(cell):
        mark = found["mark"]
        number = cell.replace(mark, ".")
    elif found := GROUPED.fullmatch(cell):
        group, mark = found["group"], found["mark"] or ""
        if group in ".," and not mark and cell.count(group) == 1:
            raise ValueError(
                f"has the ambiguous amount {quoted}. Write it without thousands separators "
                "and with two decimals, like 1234.00"
            )
        number = cell.replace(group, "").replace(mark or "\0", ".")
    else:
        raise ValueError(
            f"has the amount {quoted}. Write a number like 31.20 or 31,20, without a currency sign"
        )
    # The length is checked first, because it would take seconds to parse a cell with a million
    # digits.
    if len(number) > len(str(LARGEST)) or (value := Decimal(number)) > LARGEST:
        raise ValueError(f"has the amount {quoted}; the limit is {LARGEST:,}")
    return Amount(value.quantize(CENT, context=MONEY), mark)


def add_up(amounts: Iterable[Decimal]) -> Decimal:
    """Return the exact sum of the amounts, with two decimals."""
    total = Decimal("0.00")
    for amount in amounts:
        # `sum` would add in the decimal context of the process, whose precision other code may have
        # changed.
        total = MONEY.add(total, amount)
    return total


def money(amount: Decimal, currency: str) -> str:
    """Return an amount as people write it, like "1,234.50 EUR"."""
    return f"{amount:,.2f} {currency}".strip()
