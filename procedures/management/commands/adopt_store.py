"""`manage.py adopt_store`: mark the file store at FILES_URL as this site's."""

from typing import Any

from django.core.management.base import CommandError

from procedures.engine.errors import FileStoreError
from procedures.management.site_command import SiteCommand
from procedures.services import adopt_store


class Command(SiteCommand):
    help = (
        "Mark the file store at FILES_URL as this site's. Run this after moving the site's files"
        " there."
    )

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            mark = adopt_store()
        except FileStoreError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            f"The file store at FILES_URL is now this site's own; its mark is {mark}."
        )
