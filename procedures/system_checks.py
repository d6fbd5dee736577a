"""Checks of the modules, files and readers of procedures in settings, for `manage.py check`."""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 (Django's own name)

from procedures import registry
from procedures.conf import conf
from procedures.readers import ReaderError, reader_of
from procedures.texts import misuse_of, places_of


def check_procedure_files(**_: Any) -> list[CheckMessage]:
    """Return errors for settings that can't work, and warnings for files that can't be read."""
    files = _files() if conf.PROCEDURE_FILES else ()  # else no module is loaded for it
    return [*_modules(), *_readers(), *_globs(), *files]


def _modules() -> Iterator[CheckMessage]:
    """Yield an error for each module of PROCEDURE_MODULES that Python doesn't find."""
    for name in conf.PROCEDURE_MODULES:
        try:
            is_found = find_spec(name) is not None
        except (ImportError, ValueError):  # a package above it isn't found, or it has no name
            is_found = False
        if not is_found:
            words = f"PROCEDURE_MODULES names {name!r}, but there is no such module."
            yield Error(words, id="procedures.E015")


def _readers() -> Iterator[CheckMessage]:
    for suffix in conf.PROCEDURE_READERS:
        try:
            reader_of(suffix)
        except ReaderError as error:
            yield Error(str(error), id="procedures.E001")


def _globs() -> Iterator[CheckMessage]:
    for pattern in conf.PROCEDURE_FILES:
        if wrong := misuse_of(pattern):
            yield Error(f"PROCEDURE_FILES: {pattern} {wrong}", id="procedures.E002")
        elif not next(places_of(pattern), None):
            yield Warning(f"PROCEDURE_FILES: {pattern} matches no file.", id="procedures.W001")


def _files() -> Iterator[CheckMessage]:
    hint = "Until this is fixed, the procedures with this fault can't be started; all others can."
    for fault in registry.faults():
        yield Warning(str(fault), hint=hint, id="procedures.W002")
