"""The stored form of the results of steps and runs, and messages about results without one."""

from typing import Any

from procedures.engine.journal.error_payloads import error_payload
from procedures.engine.values import canonical
from procedures.engine.values.sizes import cut

LONGEST_RETURNED = 2_000
LARGEST_RESULT = 64 * 1024**2
"""The maximum number of characters in the JSON of a step's or a run's result."""


def kept_result(result: Any, returns: Any) -> tuple[Any, Any, str]:
    """Return three forms of a step's or a run's result: plain JSON, a restored value, JSON text.

    The value is restored from the plain JSON to the type `returns`, as on a replay or in the run's
    parent. Raises `ValueError` if the result doesn't fit this type or can't be stored.
    """
    try:
        return canonical.keepable_text(result, returns, most=LARGEST_RESULT)
    except ValueError as error:
        raise ValueError(f"The result {error}.") from None


def not_kept(result: Any, error: Exception) -> tuple[str, str]:
    """Return the reason for which a result can't be stored, and the result as text for operators.

    The text is "" if the result contains a secret.
    """
    words = error_payload(error)
    why = words["message"] if type(error) is ValueError else f"{words['type']}: {words['message']}"
    returned = "" if canonical.HOLDS_SECRET in why else _made_out(result)
    return why or words["type"], returned


def _made_out(result: Any) -> str:
    """Return the result's repr, from which operators can enter the result by hand.

    The repr is cut to a maximum length.
    """
    try:
        text = repr(result)
    except Exception:  # noqa: BLE001 (the result may be broken in any way)
        text = f"<{type(result).__name__}>"
    return cut(canonical.legible(text), LONGEST_RETURNED)
