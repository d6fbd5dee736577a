"""The data that events hold about an exception, in which the values of secrets are masked."""

import traceback
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from procedures.engine.errors import (
    BranchFailedError,
    ChildFailedError,
    PublicError,
    StateConflictError,
    StepFailedError,
)
from procedures.engine.values.canonical import legible
from procedures.engine.values.secrecy import masked, without_input

MOST_INSIDE = 5
"""The number of exceptions that the message for an exception group names."""


def error_payload(error: BaseException) -> dict[str, str]:
    """Return the data stored about an exception: its type, message, traceback and cause."""
    trace = "".join(traceback.format_exception(error, limit=-8))
    # Their texts were masked when they were stored.
    kept_before = (StepFailedError, BranchFailedError, ChildFailedError)
    is_public = isinstance(error, (PublicError, *kept_before))
    of = _cause(error)
    return {
        "type": type(error).__name__,
        "message": legible(masked(without_input(_words(error)), is_public=is_public))[:2000],
        "traceback": legible(masked(without_input(trace)))[-8000:],
        **({"of": of} if of else {}),
    }


def without_traceback(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return an error's data without its traceback, which is for operators only."""
    return {name: value for name, value in content.items() if name != "traceback"}


def _cause(error: BaseException) -> str:
    """Return the key of the step, gather or child call that made the code fail, or ""."""
    match error:
        case StepFailedError():
            return error.step
        case BranchFailedError():
            return error.branch.rpartition("/")[0]
        case StateConflictError():
            return error.gather
        case ChildFailedError():
            return error.child.partition("[")[0]
    behind = error.__cause__
    return behind.step if isinstance(behind, StepFailedError) and behind.is_behind else ""


def _words(error: BaseException) -> str:
    try:
        words = str(error)
    except Exception:  # noqa: BLE001 (an error that can't be written as text has no message)
        return ""
    if not isinstance(error, BaseExceptionGroup):
        return words
    inside = [f"{type(one).__name__}: {_words(one)}" for one in islice(_leaves(error), MOST_INSIDE)]
    return f"{words}: {'; '.join(one.removesuffix(': ') for one in inside)}"


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for one in group.exceptions:
        if isinstance(one, BaseExceptionGroup):
            yield from _leaves(one)
        else:
            yield one
