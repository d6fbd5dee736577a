#!/usr/bin/env python
"""Django's command line: `manage.py dev` starts the whole product."""

import os
import signal
import sys


def main() -> None:
    if sys.argv[1:2] == ["dev"]:
        stop_quietly_while_nothing_runs()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415

    from dashboard.management.command_line import CommandLine, print_visibly  # noqa: PLC0415
    from procedures.engine.values.visible import visible  # noqa: PLC0415

    sys.excepthook = print_visibly
    try:
        CommandLine(sys.argv).execute()
    except ImproperlyConfigured as error:
        if cause := error.__cause__:
            print_visibly(type(cause), cause, None)
        sys.exit(visible(str(error)))


def stop_quietly_while_nothing_runs() -> None:
    """Exit immediately on a signal: before the supervisor runs, nothing needs shutting down."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))


if __name__ == "__main__":
    main()
