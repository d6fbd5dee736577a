"""`manage.py create_push_key`: create the key with which a site notifies people in browsers."""

from typing import Any

from django.core.management.base import BaseCommand

from dashboard.channels.push.keys import is_installed, new_private_key


class Command(BaseCommand):
    """A command that prints a new PUSH_KEY on its last line."""

    help = "Create a PUSH_KEY, with which people can be notified in their browsers."

    def handle(self, *args: Any, **options: Any) -> None:
        if not is_installed():
            self.stderr.write("To use the key, install countersign[push].")
        self.stderr.write(
            "Set this in the environment of all processes. A new key ends all notifications in"
            " browsers: people must switch them on again."
        )
        self.stdout.write(f"PUSH_KEY={new_private_key()}")
