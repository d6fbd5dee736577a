"""The limits that a program keeps in its values: iterations, tokens and messages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KEY = "_limits"
SIGNAL = "limits"
"""The signal by which an operator changes the limits of one run."""
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
"""The names of the amount used, the limit, and the percentage to warn at, by kind."""


@dataclass(frozen=True)
class LimitWarning:
    """A limit that is nearly or fully used."""

    limit_type: str
    """One of "iterations" and "tokens"."""
    status: str
    """One of "warning" and "exceeded"."""
    current: int
    maximum: int

    @property
    def pct(self) -> float:
        return share(self.current, self.maximum)


def share(used: int, most: int) -> float:
    """Return the percentage of a limit that is used; 0 without a limit."""
    return round(used / most * 100, 1) if most > 0 else 0.0


def numbers_of(limits: Mapping[str, Any], kind: str) -> tuple[int, int, int]:
    """Return the amount used, the limit, and the percentage from which a warning is due."""
    used, most, warn = (_number(limits, name) for name in COUNTED[kind])
    return used, most, warn


def status_of(limits: Mapping[str, Any]) -> dict[str, Any]:
    """Return the status of each limit: amount used, maximum, percentage, and True if it warns."""
    told: dict[str, Any] = {}
    for kind, used_name in (("iterations", "current"), ("tokens", "estimated_used")):
        used, most, warn = numbers_of(limits, kind)
        pct = share(used, most)
        told[kind] = {used_name: used, "max": most, "pct": pct, "warning": pct >= warn}
    return {**told, "history": {"max_messages": _number(limits, "max_history_messages")}}


def warnings_of(limits: Mapping[str, Any]) -> list[LimitWarning]:
    """Return a warning for each limit of which at least the warning's percentage is used."""
    found = []
    for kind in COUNTED:
        used, most, warn = numbers_of(limits, kind)
        if used > 0 and most > 0 and share(used, most) >= min(warn, 100):
            status = "exceeded" if used >= most else "warning"
            found.append(LimitWarning(kind, status, used, most))
    return found


def changed(limits: Mapping[str, Any], updates: Mapping[str, Any]) -> dict[str, Any]:
    """Return limits with the updates whose names are known; other names are ignored."""
    return {**limits, **{name: one for name, one in updates.items() if name in USUAL}}


def _number(limits: Mapping[str, Any], name: str) -> int:
    value = limits.get(name)
    return int(USUAL[name] if value is None else value)
