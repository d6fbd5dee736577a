"""An admin page about the installation: its database, its file store and its last sweep."""

from django.contrib import admin

from dashboard.admin.history import HistoryAdmin
from procedures.models import ChosenRun, Installation, StoppedStarts


@admin.register(Installation)
class InstallationAdmin(HistoryAdmin):
    list_display = ["__str__", "swept_at", "held_at"]
    fields = ["store", "database", "epoch", "swept_at", "held_at", "held_because"]


@admin.register(StoppedStarts)
class StoppedStartsAdmin(HistoryAdmin):
    list_display = ["__str__", "notice", "at"]
    list_select_related = ["procedure"]
    fields = ["procedure", "notice", "at"]


@admin.register(ChosenRun)
class ChosenRunAdmin(HistoryAdmin):
    list_display = ["run", "job", "outcome"]
    list_filter = ["outcome"]
    search_fields = ["=job", "=run"]
    fields = ["job", "run", "outcome", "words"]
