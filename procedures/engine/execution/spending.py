"""The amounts that steps use up, by name, as they are stored and added."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from procedures.engine.errors import OptionError
from procedures.engine.values.spelling import short_repr

LONGEST_NAME = 40
SPENT = '"spent":'
"""The part of an event's JSON by which events with amounts are found."""


def checked_amounts(amounts: Mapping[str, Any]) -> dict[str, str]:
    """Return amounts as strings; raises `OptionError` for anything but finite numbers from 0."""
    return {name: _checked(name, one) for name, one in amounts.items()}


def _checked(name: str, amount: Any) -> str:
    is_number = isinstance(amount, int | float | Decimal) and not isinstance(amount, bool)
    number = Decimal(str(amount)) if is_number else Decimal("NaN")
    if not number.is_finite() or number < 0:
        words = f"must be a finite number of at least 0, not {short_repr(amount)}"
        raise OptionError(f"The amount {name:.{LONGEST_NAME}} of step.spend {words}.")
    return f"{number:f}"


def added(amounts: Iterable[Mapping[str, str]]) -> dict[str, Decimal]:
    """Return the sums of stored amounts by name, in the order in which the names first occur."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for one in amounts:
        for name, amount in one.items():
            sums[name] += Decimal(amount)
    return dict(sums)
