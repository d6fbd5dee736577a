"""The command `manage.py bundle_run`, which writes all evidence of a run into one archive."""

from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from dashboard.pages.evidence import bundle_of
from procedures.management.site_command import SiteCommand
from procedures.models import Run


class Command(SiteCommand):
    help = (
        "Write a ZIP archive of a run: its journal, a page for each of its requests, the digests of"
        " its files, and the result of verifying it now."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", type=UUID, help="The id of the run.")
        parser.add_argument("file", type=Path, help="The archive to write; it must not exist.")

    def handle(self, *_: Any, run: UUID, file: Path, **options: Any) -> None:
        found = Run.objects.filter(pk=run).select_related("procedure").first()
        if found is None:
            raise CommandError(f"Run not found: {run}.")
        try:
            with file.open("xb") as archive:
                archive.write(bundle_of(found))
        except OSError as error:
            raise CommandError(f"{file} can't be written: {error.strerror}.") from None
        self.stdout.write(f"The evidence of {found} is in {file}.")
