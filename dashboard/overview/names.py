"""The words for outcomes of requests, states and log levels, which are stored as identifiers."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as lazy

OUTCOMES: dict[str, Promise] = {
    "approved": lazy("Approved"),
    "rejected": lazy("Rejected"),
    "answered": lazy("Answered"),
    "edited": lazy("Approved with changes"),
    "changes_requested": lazy("Sent back"),
    "defaulted": lazy("No answer in time"),
    "expired": lazy("No answer in time"),
    "withdrawn": lazy("Withdrawn"),
}
LOOKS: dict[str, Promise] = {
    "done": lazy("done"),
    "failed": lazy("failed"),
    "running": lazy("running"),
    "retrying": lazy("retrying"),
    "person": lazy("waiting for people"),
    "timer": lazy("waiting"),
    "idle": lazy("waiting"),
    "refused": lazy("unsuccessful"),
    "cancelled": lazy("cancelled"),
}
LEVELS: dict[str, Promise] = {
    "info": lazy("Info"),
    "warning": lazy("Warning"),
    "error": lazy("Error"),
    "critical": lazy("Critical"),
}
SYSTEM = "system: "
WITHDRAWALS: dict[str, Promise] = {
    "run ended": lazy("the run has ended"),
    "no longer needed": lazy("it is no longer needed"),
    "a branch failed": lazy("another branch of the run has failed"),
    "asked again": lazy("the run was retried and asks again"),
    "continued as new": lazy("the run was continued as new"),
    "the procedure": lazy("the procedure needs no answer any more"),
    "the run's time limit": lazy("the run has reached its time limit"),
}
"""Reasons in words why the system withdrew a request, by the identifier that the request stores."""


def withdrawal_name(closed_by: str) -> str:
    """Return why the system withdrew a request; "" if a person withdrew it."""
    if not closed_by.startswith(SYSTEM):
        return ""
    reason = closed_by.removeprefix(SYSTEM)
    return str(WITHDRAWALS.get(reason, reason))


def outcome_name(outcome: str) -> str:
    """Return a request's outcome in words.

    For an outcome of a site's own kind of request, there are no words; its name is capitalized.
    """
    return str(OUTCOMES.get(outcome) or outcome.capitalize())


def look_name(look: str) -> str:
    return str(LOOKS.get(look) or look)


def level_name(level: str) -> str:
    return str(LEVELS.get(level) or level.capitalize())
