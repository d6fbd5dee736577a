"""Asks whether every open run would go on with the code as it is now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from procedures.services import check_runs


class Command(BaseCommand):
    help = "Replays every open run against the present code, without effects; fails if one is off."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--procedure", default="", help="Check the runs of this one only.")

    def handle(self, *_: Any, **options: Any) -> None:
        checked, problems = 0, 0
        for check in check_runs(options["procedure"]):
            checked += 1
            problems += not check.goes_on
            for line in check.told:
                self.stdout.write(f"{check.run} ({check.run.pk}): {line}")
        if problems:
            raise CommandError(f"{problems} of {checked} open runs would not go on.")
        self.stdout.write(f"All {checked} open runs go on.")
