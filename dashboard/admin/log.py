"""An admin page for Django's log: changes by administrators, and sign-ins."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from dashboard.admin.history import HistoryAdmin
from procedures.users import name_field


@admin.register(LogEntry)
class LogEntryAdmin(HistoryAdmin):
    """An admin for auditors with the permission "Can view log entry"."""

    date_hierarchy = "action_time"
    list_display = ["action_time", "who", "action_flag", "content_type", "object_repr", "words"]
    list_display_links = ["action_time"]
    list_filter = ["action_flag", "content_type"]
    list_select_related = ["user", "content_type"]
    ordering = ["-action_time", "-pk"]
    search_fields = [f"user__{name_field()}", "object_repr", "=object_id", "change_message"]
    fields = [
        "action_time",
        "who",
        "action_flag",
        "content_type",
        "object_id",
        "object_repr",
        "words",
    ]
    readonly_fields = ["who", "words"]

    @admin.display(description=lazy("user"), ordering="user")
    def who(self, entry: LogEntry) -> str:
        return _("{name} (id {number})").format(name=entry.user, number=entry.user_id)

    @admin.display(description=lazy("what was done"))
    def words(self, entry: LogEntry) -> Any:
        return entry.get_change_message()
