"""`manage.py mark_copy`: mark a restored database as a copy, so that it doesn't repeat work."""

from typing import Any

from django.core.management.base import CommandParser

from procedures.management.site_command import SiteCommand
from procedures.services import mark_copy


class Command(SiteCommand):
    help = (
        "Mark this database as a copy and begin a new epoch of its ledger: its runs are held and"
        " no mail is sent until confirm_site is run."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--because", default="marked by hand", help="The reason, in a few words."
        )

    def handle(self, *_: Any, because: str, **options: Any) -> None:
        epoch = mark_copy(because)
        self.stdout.write(
            f"This database is now marked as a copy, in epoch {epoch}; its runs are held. Running"
            " workers stop taking work within a second. To continue, run: manage.py confirm_site."
        )
