"""Faults of inputs, in sentences for the person who sent them."""

from collections.abc import Mapping, Sequence
from typing import Any

from procedures.engine.errors import Fault

NUMBER = "must be a number like 31.20."
WHOLE = "must be a whole number like 42."
DATE = "must be a date like 2026-12-31."
MOMENT = "must be a date and time like 2026-12-31T09:30:00Z."
TIME = "must be a time like 09:30."
YES_OR_NO = "must be yes or no (true or false)."
TEXT = "must be text."
LIST = "must be a list."
NAMED = "must be an object with named fields."
ID = "must be an id like 0190e5a4-7c1b-7d2e-8f30-1a2b3c4d5e6f."
ONE_OF = "must be one of: {expected}."

WORDS = {
    "missing": "is missing.",
    "none_required": "must be left out.",
    "extra_forbidden": "isn't a known field.",
    "unexpected_keyword_argument": "isn't an input of this procedure.",
    "int_type": WHOLE,
    "int_parsing": WHOLE,
    "int_parsing_size": "has too many digits.",
    "int_from_float": WHOLE,
    "float_type": NUMBER,
    "float_parsing": NUMBER,
    "decimal_type": NUMBER,
    "decimal_parsing": NUMBER,
    "finite_number": NUMBER,
    "decimal_max_digits": "must have {max_digits} or fewer digits.",
    "decimal_max_places": "must have {decimal_places} or fewer decimals.",
    "decimal_whole_digits": "must have {whole_digits} or fewer digits before the point.",
    "multiple_of": "must be a multiple of {multiple_of}.",
    "greater_than": "must be more than {gt}.",
    "greater_than_equal": "must be {ge} or more.",
    "less_than": "must be less than {lt}.",
    "less_than_equal": "must be {le} or less.",
    "bool_type": YES_OR_NO,
    "bool_parsing": YES_OR_NO,
    "date_type": DATE,
    "date_parsing": DATE,
    "date_from_datetime_parsing": DATE,
    "date_from_datetime_inexact": DATE,
    "datetime_type": MOMENT,
    "datetime_parsing": MOMENT,
    "datetime_from_date_parsing": MOMENT,
    "timezone_aware": "needs a time zone, like 2026-12-31T09:30:00Z.",
    "time_type": TIME,
    "time_parsing": TIME,
    "string_type": TEXT,
    "string_unicode": "contains characters that can't be stored.",
    "string_too_short": "must have {min_length} or more characters.",
    "string_too_long": "must have {max_length} or fewer characters.",
    "string_pattern_mismatch": "must match {pattern}.",
    "enum": ONE_OF,
    "literal_error": ONE_OF,
    "list_type": LIST,
    "tuple_type": LIST,
    "set_type": LIST,
    "frozen_set_type": LIST,
    "too_short": "must have {min_length} or more entries.",
    "too_long": "must have {max_length} or fewer entries.",
    "dict_type": NAMED,
    "model_type": NAMED,
    "model_attributes_type": NAMED,
    "dataclass_type": NAMED,
    "uuid_type": ID,
    "uuid_parsing": ID,
}


def fault_of(error: Mapping[str, Any], place: Sequence[int | str]) -> Fault:
    """Return an error of Pydantic as a `Fault` in plain words.

    The message of a `ValueError` is kept. `place` holds the names and numbers that lead to the
    invalid value, such as `("lines", 0, "price")`.
    """
    name = ".".join(map(str, place))
    if words := WORDS.get(error["type"]):
        return Fault(name, words.format_map(error.get("ctx", {})))
    message = str(error["msg"]).removeprefix("Value error, ")
    return Fault(name, message if message.endswith(".") else f"{message}.")
