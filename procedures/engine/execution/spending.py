"""The amounts that steps report with `Step.spend`, such as requests or euros."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from procedures.engine.errors import OptionError
from procedures.engine.values.spelling import short_repr

LONGEST_NAME = 40
SPENT = '"spent":'
"""The text in the JSON of an event that shows that the event contains amounts."""


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
    """Return the sum of each amount, by name; names are in the order of their first occurrence."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for one in amounts:
        for name, amount in one.items():
            sums[name] += Decimal(amount)
    return dict(sums)
