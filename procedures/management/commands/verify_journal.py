"""`manage.py verify_journal`: verify that journals haven't been changed."""

from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from procedures.engine.values.visible import visible_line
from procedures.management.site_command import SiteCommand
from procedures.models import Run, Tombstone
from procedures.models.proofs import unproven
from procedures.services.differences import Difference, row_name
from procedures.services.ledger import examine
from procedures.services.retention.holds import removed_sentence
from procedures.services.verification import log_faults, site_faults


class Command(SiteCommand):
    help = (
        "Verify the journals of all runs, or of the given ones, with LEDGER_KEY, then compare rows"
        " and stored files with them. List every event, row and field that was changed or is"
        " missing, and fail if there is one. Without RUN, also verify the log, and the rows that"
        " belong to no run."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "run", nargs="*", type=UUID, help="The id of a run; only the given runs are verified."
        )

    def handle(self, *_: Any, run: list[UUID], **options: Any) -> None:
        runs = Run.objects.select_related("procedure").order_by("pk")
        chosen = runs.filter(pk__in=run) if run else runs
        graves = list(Tombstone.objects.filter(pk__in=run).order_by("pk"))
        found = {*chosen.values_list("pk", flat=True), *(one.pk for one in graves)}
        if missing := set(run) - found:
            raise CommandError(f"Runs not found: {', '.join(sorted(map(str, missing)))}.")
        broken = self._verify_graves(graves)
        for each in chosen.iterator():
            verdict = examine(each)
            broken += bool(verdict.faults)
            for words in (*verdict.faults, *([verdict.note] if verdict.older else [])):
                self.stdout.write(visible_line(f"{each} ({each.pk}): {words}"))
        unowned = [] if run else [*(f"Log: {words}" for words in log_faults()), *site_faults()]
        for words in unowned:
            self.stdout.write(visible_line(words))
        count = chosen.count() + len(graves)
        if broken or unowned:
            also = (
                f"; faults of the log and of rows that belong to no run: {len(unowned)}"
                if unowned
                else ""
            )
            raise CommandError(f"Journals that aren't intact: {broken} of {count}{also}.")
        self.stdout.write(f"{count} of {count} journals are intact.")

    def _verify_graves(self, graves: list[Tombstone]) -> int:
        """Show what became of removed runs; return how many of their tombstones were changed."""
        broken = 0
        for grave in graves:
            names = unproven(grave)
            broken += bool(names)
            self.stdout.write(visible_line(f"{grave} ({grave.pk}): {removed_sentence(grave)}"))
            for name in names:
                words = Difference(row_name(grave), name)
                self.stdout.write(visible_line(f"{grave} ({grave.pk}): {words}"))
        return broken
