"""`manage.py confirm_site`: let a copy act as the site."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from procedures.services import NoCopyError, confirm_site


class Command(BaseCommand):
    help = (
        "Say that this copy is the site now: its runs go on, and note it in their journals. Stop"
        " the site it was copied from first."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reason", required=True, help="Kept in the journals.")

    def handle(self, *_: Any, reason: str, **options: Any) -> None:
        try:
            count = confirm_site(reason)
        except NoCopyError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"This is the site now; {count} open runs go on.")
