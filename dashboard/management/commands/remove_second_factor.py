from typing import Any

from django.core.management import CommandError, CommandParser

from dashboard.accounts.people import find_person
from dashboard.accounts.second_factor import is_on, remove_all_factors
from procedures.management.site_command import SiteCommand
from procedures.models.act import counted


class Command(SiteCommand):
    help = "Remove all second factors of a person who has lost them. The log records it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")

    def handle(self, *, name: str, **options: Any) -> None:
        if not is_on():
            raise CommandError("This site has no second factors: COMPANY_SIGN_IN is off.")
        count = remove_all_factors(find_person(name))
        self.stdout.write(f"Removed {counted(count, 'second factor')} of {name}.")
