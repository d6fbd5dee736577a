"""`manage.py mark_copy`: hold a restored database, which would repeat what the site has done."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from procedures.services import mark_copy


class Command(BaseCommand):
    help = (
        "Mark this database as a copy: its runs are held and no mail is sent, in another epoch of"
        " its ledger, until confirm_site is run."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--because", default="marked by hand", help="Why, in a few words.")

    def handle(self, *_: Any, because: str, **options: Any) -> None:
        epoch = mark_copy(because)
        self.stdout.write(
            f"This database is held, in epoch {epoch}. Workers that run take nothing more after a"
            " second. To go on: confirm_site."
        )
