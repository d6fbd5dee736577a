from typing import Any

from django.core.management import CommandParser

from dashboard.accounts.people import find_person
from dashboard.accounts.shell import shell_author
from dashboard.accounts.sign_in import sign_in_link
from dashboard.embedded.lock import running_address
from dashboard.environment.variables import read_environment
from procedures.conf import conf
from procedures.management.site_command import SiteCommand


class Command(SiteCommand):
    help = "Print a link that signs a person in once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")

    def handle(self, *, name: str, **options: Any) -> None:
        by = shell_author("sign_in_link")
        self.stdout.write(sign_in_link(find_person(name), by=by, site=running_site()))


def running_site() -> str | None:
    """Return the address of the site that `make run` serves from this checkout, or None."""
    is_told = not conf.IS_EMBEDDED or read_environment().SITE_URL
    return None if is_told else running_address(conf.LOCAL_DIR)
