#!/usr/bin/env python
"""Django's command line: `manage.py dev` starts the whole product."""

import os
import signal
import sys
import traceback


def main() -> None:
    if sys.argv[1:2] == ["dev"]:
        stop_quietly_while_nothing_runs()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        if error.__cause__:
            traceback.print_exception(error.__cause__)
        sys.exit(str(error))


def stop_quietly_while_nothing_runs() -> None:
    """Exit at once on a signal, because there is nothing to end until the supervisor listens."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))


if __name__ == "__main__":
    main()
