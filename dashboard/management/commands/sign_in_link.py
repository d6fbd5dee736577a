from typing import Any

from django.core.management import BaseCommand, CommandParser

from dashboard.people import find_person
from dashboard.sign_in import sign_in_link


class Command(BaseCommand):
    help = "Print a link that signs a person in, once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")

    def handle(self, *, name: str, **options: Any) -> None:
        self.stdout.write(sign_in_link(find_person(name)))
