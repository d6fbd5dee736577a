"""The site's settings (`COUNTERSIGN`), changed for one test."""

from typing import Any

from django.conf import settings as djangos
from django.test import override_settings
from pytest_django import Settings


def configure(settings: Settings, **values: Any) -> None:
    """Change them until the test has ended."""
    settings.COUNTERSIGN = {**settings.COUNTERSIGN, **values}


def configured(**values: Any) -> override_settings:
    """As Django's `override_settings`, for these."""
    return override_settings(COUNTERSIGN={**djangos.COUNTERSIGN, **values})
