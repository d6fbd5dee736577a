"""Admin pages that check each row against the verified journal of its run."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from dashboard.admin.history import HistoryAdmin
from procedures.models import Run
from procedures.services.differences import row_name
from procedures.services.ledger import Verdict, examine

MOST_EVENTS = 20_000
"""The maximum number of journal events that are verified for the page of a single row."""
SOUND = lazy("This row agrees with the journal.")


class ProvenAdmin(HistoryAdmin):
    """An admin of rows that a run's journal proves.

    The page of a row says if the row agrees with the journal.
    """

    def run_of(self, row: Any) -> Run | None:
        run: Run | None = row.run
        return run

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        (title, options), *others = super().get_fieldsets(request, obj)
        return [(title, {**options, "fields": ["verified", *options["fields"]]}), *others]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [*super().get_readonly_fields(request, obj), "verified"]

    @admin.display(description=lazy("proof"))
    def verified(self, row: Any) -> SafeString | str:
        run = self.run_of(row)
        if run is None:
            return "-"
        if run.head_seq > MOST_EVENTS:
            return _(
                "The journal has {count} events. To verify it, choose “Verify the journal” in Runs."
            ).format(count=f"{run.head_seq:,}")
        return describe_proof(row, examine(run))


def describe_proof(row: Any, verdict: Verdict) -> SafeString | str:
    """Return one or more sentences that say if this row agrees with the journal."""
    name = row_name(row)
    if verdict.damages:
        words = _("The journal is damaged, so this row can't be verified.")
        return format_html("<strong>{}</strong>", " ".join([words, *verdict.damages]))
    found = [one for one in verdict.differences if one.row == name]
    if found:
        lines = format_html_join(" ", "{}", ((str(one),) for one in found))
        return format_html("<strong>{} {}</strong>", _("This row differs from the journal."), lines)
    if any(one.startswith(name) for one in verdict.older):
        return _("This row was written before the site kept proofs, so it can't be verified.")
    return str(SOUND)


def verdict_words(run: Run, verdict: Verdict) -> str:
    """Return one or more sentences that say if a run's journal and rows are unchanged."""
    sound = _("All {count} events are unchanged. The database rows and files agree with them.")
    result = " ".join(verdict.faults) or sound.format(count=f"{run.head_seq:,}")
    return f"{result} {verdict.note}".strip()
