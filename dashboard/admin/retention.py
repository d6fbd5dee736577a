"""Read-only admin pages for retentions, legal holds, and what is left of removed runs."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as lazy

from chat.models import HumanRequest, RemovedRequest
from dashboard.admin.filters import Between, RelatedRows
from dashboard.admin.history import HistoryAdmin, Related
from procedures.models import (
    Act,
    LegalHold,
    RemovalRound,
    Retention,
    Run,
    StaleContent,
    Tombstone,
)
from procedures.models.act import ActQuerySet


@admin.register(Tombstone)
class TombstoneAdmin(HistoryAdmin):
    list_display = ["id", "procedure", "status", "ended_at", "removed_at"]
    ends_of_ids = True
    list_filter = [("procedure", RelatedRows), ("removed_at", Between)]
    list_select_related = ["procedure"]
    ordering = ["-pk"]
    search_fields = ["=id"]
    fields = [
        *("id", "top", "procedure", "version", "started_by", "status", "created_at", "ended_at"),
        *("head_seq", "head_hash", "removed_at", "days", "see_also"),
    ]
    readonly_fields = ["see_also"]
    related = [Related(lazy("Its requests"), RemovedRequest, "tombstone__id__exact")]

    def acts_about(self, row: Tombstone) -> ActQuerySet:
        """Return the log's entries about the run and its requests."""
        requests = row.requests.values_list("pk", flat=True)
        acts = Act.objects.all()
        return acts.about_keys(Run, [row.pk]) | acts.about_keys(HumanRequest, requests)


@admin.register(RemovedRequest)
class RemovedRequestAdmin(HistoryAdmin):
    list_display = ["id", "tombstone"]
    ends_of_ids = True
    list_select_related = ["tombstone__procedure"]
    ordering = ["-pk"]
    search_fields = ["=id"]
    fields = ["id", "tombstone"]


@admin.register(LegalHold)
class LegalHoldAdmin(HistoryAdmin):
    list_display = ["id", "run", "procedure", "user", "placed_by", "at"]
    list_select_related = ["run__procedure", "procedure", "user"]
    ordering = ["-pk"]
    search_fields = ["=placed_by", "reason"]
    fields = ["run", "procedure", "user", "reason", "placed_by", "at"]


@admin.register(Retention)
class RetentionAdmin(HistoryAdmin):
    list_display = ["procedure", "days"]
    list_select_related = ["procedure"]
    ordering = ["-pk"]
    search_fields = ["procedure__title", "procedure__name"]
    fields = ["procedure", "days"]


@admin.register(RemovalRound)
class RemovalRoundAdmin(HistoryAdmin):
    list_display = ["id", "began_at", "ended_at", "removed", "kept"]
    ordering = ["-pk"]
    search_fields = ["=id"]
    fields = ["began_at", "ended_at", "place", "removed", "kept"]


@admin.register(StaleContent)
class StaleContentAdmin(HistoryAdmin):
    list_display = ["digest", "at"]
    ordering = ["-pk"]
    search_fields = ["=digest"]
    fields = ["digest", "at"]
