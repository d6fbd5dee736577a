"""`manage.py adopt_store`: make another file store the site's own."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from procedures.engine.errors import FileStoreError
from procedures.services import adopt_store


class Command(BaseCommand):
    help = "Take the file store that FILES_URL names for the site's, after its files were moved."

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            name = adopt_store()
        except FileStoreError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"This is the site's file store now: {name}.")
