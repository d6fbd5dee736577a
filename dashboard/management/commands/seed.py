import logging
import re
from argparse import ArgumentTypeError
from typing import Any

from django.core.management import CommandError, CommandParser, call_command

from dashboard.demo.people import NotEmbeddedError, create_demo_accounts
from dashboard.demo.seed import seed
from dashboard.embedded.lock import running_address
from procedures.conf import conf
from procedures.management.site_command import SiteCommand


class Command(SiteCommand):
    help = (
        "Fill the demo with runs and requests in six languages, as on a busy site. Stop the demo"
        " first; a second call only adds what is missing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--runs", type=read_count, default=200)
        parser.add_argument("--requests", type=read_count, default=60)

    def handle(self, *, runs: int, requests: int, **options: Any) -> None:
        if running_address(conf.LOCAL_DIR):
            raise CommandError(
                "Countersign is running here. Stop it first: its workers would execute the demo's"
                " past runs again."
            )
        if conf.IS_EMBEDDED:
            call_command("migrate", verbosity=0)
        try:
            create_demo_accounts()
        except NotEmbeddedError as error:
            raise CommandError(str(error)) from None
        # Nobody is there to be called: workers find the runs when they start.
        logging.getLogger("procedures.dispatch").setLevel(logging.ERROR)
        made = seed(runs, requests, self.stdout.write)
        self.stdout.write(f"Created {made} runs; {min(requests, runs)} of {runs} wait for people.")


def read_count(text: str) -> int:
    if not re.fullmatch("[0-9]{1,6}", text):
        raise ArgumentTypeError(f"{text!r} isn't a number from 0 to 999999")
    return int(text)
