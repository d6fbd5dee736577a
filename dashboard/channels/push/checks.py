"""The check of the settings that are needed to notify people in browsers."""

from typing import Any

from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 (Django's own name)

from dashboard.channels.push.keys import faults_of_settings, is_installed
from procedures.conf import conf


def check_push(**_: Any) -> list[CheckMessage]:
    """Return an error for each unusable setting, and a warning if packages are missing."""
    if not conf.PUSH_KEY:
        return []
    found: list[CheckMessage] = [
        Error(words, id="dashboard.E001") for words in faults_of_settings()
    ]
    if not is_installed():
        words = "PUSH_KEY is set, but nobody can be notified in a browser: packages are missing."
        hint = "Install countersign[push], or remove PUSH_KEY."
        found.append(Warning(words, hint=hint, id="dashboard.W001"))
    return found
