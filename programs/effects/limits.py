"""The limits of iterations, tokens and messages, which a program keeps among its run's values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KEY = "_limits"
SIGNAL = "limits"
"""The name of the signal by which an operator changes the limits of one run."""
USUAL: Mapping[str, Any] = {
    "max_iterations": 25,
    "current_iteration": 0,
    "max_tokens": 32768,
    "max_output_tokens": None,
    "estimated_tokens_used": 0,
    "max_history_messages": -1,
    "warn_iterations_pct": 80,
    "warn_tokens_pct": 80,
}
COUNTED = {
    "iterations": ("current_iteration", "max_iterations", "warn_iterations_pct"),
    "tokens": ("estimated_tokens_used", "max_tokens", "warn_tokens_pct"),
}
"""The names of three values of a run for each kind of limit.

They are the amount used, the maximum, and the percentage from which a warning is due.
"""


@dataclass(frozen=True)
class LimitWarning:
    """A warning about a limit that is nearly or completely used."""

    limit_type: str
    """The kind of limit: "iterations" or "tokens"."""
    status: str
    """The state of the limit: "warning" or "exceeded"."""
    current: int
    maximum: int

    @property
    def pct(self) -> float:
        return share(self.current, self.maximum)


def share(used: int, most: int) -> float:
    """Return the percentage of the maximum that is used; 0 if there is no maximum."""
    return round(used / most * 100, 1) if most > 0 else 0.0


def numbers_of(limits: Mapping[str, Any], kind: str) -> tuple[int, int, int]:
    """Return the amount used, the maximum, and the percentage from which a warning is due."""
    used, most, warn = (_number(limits, name) for name in COUNTED[kind])
    return used, most, warn


def status_of(limits: Mapping[str, Any]) -> dict[str, Any]:
    """Return the amount used, the maximum and the percentage of each limit.

    The entry "warning" of a limit is True if a warning is due.
    """
    status: dict[str, Any] = {}
    for kind, used_name in (("iterations", "current"), ("tokens", "estimated_used")):
        used, most, warn = numbers_of(limits, kind)
        pct = share(used, most)
        status[kind] = {used_name: used, "max": most, "pct": pct, "warning": pct >= warn}
    return {**status, "history": {"max_messages": _number(limits, "max_history_messages")}}


def warnings_of(limits: Mapping[str, Any]) -> list[LimitWarning]:
    """Return a warning for each limit of which at least the warning percentage is used."""
    found = []
    for kind in COUNTED:
        used, most, warn = numbers_of(limits, kind)
        if used > 0 and most > 0 and share(used, most) >= min(warn, 100):
            status = "exceeded" if used >= most else "warning"
            found.append(LimitWarning(kind, status, used, most))
    return found


def changed(limits: Mapping[str, Any], updates: Mapping[str, Any]) -> dict[str, Any]:
    """Return the limits with the updates applied; updates of unknown names are ignored."""
    return {**limits, **{name: one for name, one in updates.items() if name in USUAL}}


def _number(limits: Mapping[str, Any], name: str) -> int:
    value = limits.get(name)
    return int(USUAL[name] if value is None else value)
