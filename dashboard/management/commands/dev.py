import sys
from typing import Any

from django.core.management import BaseCommand

from dashboard.embedded.errors import StartError
from dashboard.embedded.product import run_product
from dashboard.environment.variables import read_environment


class Command(BaseCommand):
    help = "Start the whole product on this machine: Redis, web, worker and clock."
    requires_system_checks = ()

    def handle(self, **options: Any) -> None:
        try:
            run_product(read_environment(), sys.stdout)
        except StartError as error:
            raise SystemExit(str(error)) from None
