"""`manage.py verify_journal`: verify that journals haven't been changed."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from procedures.engine.values.visible import visible_line
from procedures.models import Run
from procedures.services.ledger import examine, examine_site


class Command(BaseCommand):
    help = (
        "Verify the journals of all runs, or of the given ones, with LEDGER_KEY, then compare rows"
        " and stored files with them. List every event, row and field that was changed or is"
        " missing, and fail if there is one. Without RUN, also list rows that belong to no run."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "run", nargs="*", type=UUID, help="The id of a run; only the given runs are verified."
        )

    def handle(self, *_: Any, run: list[UUID], **options: Any) -> None:
        runs = Run.objects.select_related("procedure").order_by("pk")
        chosen = runs.filter(pk__in=run) if run else runs
        if missing := set(run) - set(chosen.values_list("pk", flat=True)):
            raise CommandError(f"Runs not found: {', '.join(sorted(map(str, missing)))}.")
        broken = 0
        for each in chosen.iterator():
            verdict = examine(each)
            broken += bool(verdict.faults)
            for words in (*verdict.faults, *([verdict.note] if verdict.older else [])):
                self.stdout.write(visible_line(f"{each} ({each.pk}): {words}"))
        unowned = [] if run else examine_site()
        for difference in unowned:
            self.stdout.write(visible_line(str(difference)))
        if broken or unowned:
            also = f"; rows that belong to no run: {len(unowned)}" if unowned else ""
            raise CommandError(f"{broken} of {chosen.count()} journals aren't intact{also}.")
        self.stdout.write(f"{chosen.count()} of {chosen.count()} journals are intact.")
