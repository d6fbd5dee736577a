"""The site's settings (`COUNTERSIGN`), changed for one test."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings as djangos
from django.test import override_settings
from pytest_django import Settings

from procedures import registry


def configure(settings: Settings, **values: Any) -> None:
    """Change them until the test has ended."""
    settings.COUNTERSIGN = {**settings.COUNTERSIGN, **values}


def configured(**values: Any) -> override_settings:
    """Return Django's `override_settings` for these values."""
    return override_settings(COUNTERSIGN={**djangos.COUNTERSIGN, **values})


@contextmanager
def procedures_of(module: str) -> Iterator[None]:
    """Have only the procedures of that module until the end."""
    with configured(PROCEDURE_MODULES=[module]):
        registry.forget()
        yield
    registry.forget()
