"""The command line of `manage.py`; no text in its output can control the terminal."""

import re
import sys
from traceback import format_exception
from types import TracebackType
from typing import Any, TextIO

from django.core.management import ManagementUtility
from django.core.management.base import BaseCommand, OutputWrapper
from django.utils.module_loading import import_string

from procedures.engine.values.visible import visible

FOR_PROGRAMS = frozenset({"dumpdata"})
"""Commands whose output is left as it is, because programs read it."""
COLOUR = re.compile("\x1b\\[[0-9;]*m")


class CommandLine(ManagementUtility):
    """A command line that replaces control characters in the output of its commands by codes.

    Commands without Django's checks, such as `shell`, raise `ImproperlyConfigured` for settings
    that can't be used.
    """

    def fetch_command(self, subcommand: str) -> BaseCommand:
        command = super().fetch_command(subcommand)
        if not command.requires_system_checks and subcommand != "check":
            # Imported here, because it needs the loaded apps.
            import_string("procedures.site_checks.refuse_wrong_settings")()
        if subcommand not in FOR_PROGRAMS:
            command.stdout = VisibleOutput(sys.stdout, command)
            command.stderr = VisibleOutput(sys.stderr, command)
            command.stderr.style_func = command.style.ERROR
        return command


class VisibleOutput(OutputWrapper):
    """The output of a command; control characters other than its own colours become codes."""

    def __init__(self, out: TextIO, command: BaseCommand) -> None:
        super().__init__(out)
        self._command = command

    def write(  # type: ignore[override] # Django's own does so, too
        self, msg: str = "", style_func: Any = None, ending: str | None = None
    ) -> None:
        super().write(self._shown(msg), style_func, ending)

    def _shown(self, text: str) -> str:
        own = _colours_of(self._command.style)
        shown, place = [], 0
        for found in COLOUR.finditer(text):
            if found[0] in own:
                shown += [visible(text[place : found.start()]), found[0]]
                place = found.end()
        return "".join([*shown, visible(text[place:])])


def _colours_of(style: Any) -> set[str]:
    """Return the escape sequences of a style's colours; an empty set if it has no colours."""
    return {colour for paint in vars(style).values() for colour in COLOUR.findall(paint("x"))}


def print_visibly(_: type[BaseException], error: BaseException, __: TracebackType | None) -> None:
    """Print an uncaught error, its control characters escaped; used as `sys.excepthook`."""
    sys.stderr.write(visible("".join(format_exception(error))))
