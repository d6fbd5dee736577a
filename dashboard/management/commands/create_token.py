"""`manage.py create_token NAME`: a token with which a program acts as that user."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from dashboard.models import ApiToken


class Command(BaseCommand):
    """Prints the token on the last line; it is not shown again."""

    help = "Create an API token for a user; it is printed on the last line."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the user's name")

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        user = User.objects.filter(username=name, is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user called {name!r}.")
        self.stdout.write(ApiToken.create_for(user))
