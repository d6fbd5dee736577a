"""The words for outcomes, looks and levels, which are stored as identifiers."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as lazy

OUTCOMES: dict[str, Promise] = {
    "approved": lazy("Approved"),
    "rejected": lazy("Rejected"),
    "answered": lazy("Answered"),
    "edited": lazy("Approved with changes"),
    "changes_requested": lazy("Asked back"),
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


def outcome_name(outcome: str) -> str:
    """Return a request's outcome in words; an outcome that a site has added is only capitalized."""
    return str(OUTCOMES.get(outcome) or outcome.capitalize())


def look_name(look: str) -> str:
    return str(LOOKS.get(look) or look)


def level_name(level: str) -> str:
    return str(LEVELS.get(level) or level.capitalize())
