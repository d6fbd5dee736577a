"""`manage.py create_token NAME`: a token with which a program acts as that user."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from dashboard.models import ApiToken
from dashboard.people import find_person


class Command(BaseCommand):
    """Prints the token on the last line; it is not shown again."""

    help = "Create an API token for a user; it is printed on the last line."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the user's name")

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        self.stdout.write(ApiToken.create_for(find_person(name)))
