from typing import Any

from django.contrib.auth.models import User
from django.core.management import BaseCommand, CommandError, CommandParser

from dashboard.sign_in import sign_in_link


class Command(BaseCommand):
    help = "Print a link that signs a person in, once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")

    def handle(self, *, name: str, **options: Any) -> None:
        user = User.objects.filter(username=name, is_active=True).first()
        if user is None:
            raise CommandError(f"Nobody active is called {name}.")
        self.stdout.write(sign_in_link(user))
