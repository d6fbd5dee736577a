from typing import Any

from django.core.management import BaseCommand, CommandParser

from dashboard.accounts.people import find_person
from dashboard.accounts.sign_in import sign_in_link
from dashboard.embedded.lock import running_address
from dashboard.environment.variables import Environment, read_environment


class Command(BaseCommand):
    help = "Print a link that signs a person in, once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")

    def handle(self, *, name: str, **options: Any) -> None:
        self.stdout.write(sign_in_link(find_person(name), site=running_site(read_environment())))


def running_site(environment: Environment) -> str | None:
    """Return the address at which `make run` serves this folder, or None."""
    is_told = environment.SITE_URL or not environment.is_embedded
    return None if is_told else running_address(environment.LOCAL_DIR)
