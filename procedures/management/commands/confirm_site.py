"""`manage.py confirm_site`: let a database that is marked as a copy act as the site from now on."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from procedures.management.site_command import SiteCommand
from procedures.services import NoCopyError, confirm_site


class Command(SiteCommand):
    help = (
        "Confirm that this copy is the live site: its runs continue, and their journals record it."
        " First stop the site it was copied from."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--reason", required=True, help="The reason; it is recorded in the journals."
        )

    def handle(self, *_: Any, reason: str, **options: Any) -> None:
        try:
            count = confirm_site(reason)
        except NoCopyError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"This is the live site now. Open runs that continue: {count}.")
