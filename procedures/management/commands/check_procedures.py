"""`manage.py check_procedures`: check whether unfinished runs can continue with installed code."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from procedures.engine.values.visible import visible_line
from procedures.management.site_command import SiteCommand
from procedures.services import check_runs


class Command(SiteCommand):
    help = (
        "Replay every open run with the current code, without effects. Fail if a run couldn't "
        "continue; warn of differences that don't stop a run."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--procedure", default="", help="Check only the runs of this procedure."
        )

    def handle(self, *_: Any, **options: Any) -> None:
        checks = list(check_runs(options["procedure"]))
        for check in checks:
            for word, lines in (("blocked", check.blockers), ("warning", check.warnings)):
                for line in lines:
                    text = f"{word}: {check.run} ({check.run.pk}): {line}"
                    self.stdout.write(visible_line(text))
        blocked = sum(not check.goes_on for check in checks)
        if blocked:
            raise CommandError(
                f"{blocked} of {len(checks)} open runs can't continue with the installed code."
            )
        warned = sum(bool(check.warnings) for check in checks)
        also = f", {warned} of them with warnings" if warned else ""
        self.stdout.write(f"All {len(checks)} open runs can continue{also}.")
