"""The command `manage.py create_token NAME`, which creates an API token for the user NAME."""

import re
from argparse import ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from dashboard.accounts.people import find_person
from dashboard.accounts.shell import shell_author
from dashboard.models import ApiToken, Scope
from dashboard.models.token import NEW_TOKEN
from procedures.management.site_command import SiteCommand

MOST_DAYS = 36_500


class Command(SiteCommand):
    """A command that prints a new token on its last line, because it can't be shown again."""

    help = "Create an API token for a user and print it on the last line."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the user's name")
        parser.add_argument(
            "--label", default="Made by create_token", help="the program that uses the token"
        )
        parser.add_argument(
            "--scopes",
            default=",".join(NEW_TOKEN),
            help=f"the scopes, separated by commas: {', '.join(Scope.values)}",
        )
        parser.add_argument(
            "--days", type=read_days, help="days until the token expires; by default it never does"
        )

    def handle(
        self, *args: Any, name: str, label: str, scopes: str, days: int | None, **options: Any
    ) -> None:
        expires_at = timezone.now() + timedelta(days=days) if days else None
        token = ApiToken.create_for(
            find_person(name),
            name=label[:80],
            scopes=read_scopes(scopes),
            expires_at=expires_at,
            by=shell_author("create_token"),
        )
        self.stdout.write(token)


def read_days(text: str) -> int:
    if re.fullmatch("[0-9]{1,5}", text) and 1 <= int(text) <= MOST_DAYS:
        return int(text)
    raise ArgumentTypeError(f"{text!r} isn't a number from 1 to {MOST_DAYS}")


def read_scopes(text: str) -> list[str]:
    scopes = [word.strip() for word in text.split(",") if word.strip()]
    if unknown := [scope for scope in scopes if scope not in Scope.values]:
        known = ", ".join(Scope.values)
        raise CommandError(f"There is no scope {unknown[0]!r}. The scopes are {known}.")
    if not scopes:
        raise CommandError("A token needs at least one scope.")
    return scopes
