"""The length of numbers when they are written without an exponent."""

from decimal import Decimal

MOST_DIGITS = 1_000
"""The maximum number of digits before the decimal point, and of those after it."""


def is_writable(number: Decimal) -> bool:
    """Return True for a finite number that can be written without an exponent in few digits.

    Written in this way, a number such as 1e999999999 would fill the memory.
    """
    if not number.is_finite():
        return False
    exponent = int(number.as_tuple().exponent)
    return exponent >= -MOST_DIGITS and number.adjusted() < MOST_DIGITS
