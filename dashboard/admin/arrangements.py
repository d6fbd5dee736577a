"""Read-only admin pages for delegations, standing decisions, snoozes and drafts."""

from django.contrib import admin

from chat.models import Delegation, Draft, Snooze, StandingDecision
from dashboard.admin.filters import Between
from dashboard.admin.history import HistoryAdmin
from procedures.users import name_field


@admin.register(Delegation)
class DelegationAdmin(HistoryAdmin):
    list_display = ["user", "to", "from_at", "until", "revoked_at"]
    list_filter = ["from_at", "until"]
    list_select_related = ["user", "to"]
    ordering = ["-pk"]
    search_fields = [f"user__{name_field()}", f"to__{name_field()}"]
    fields = ["user", "to", "from_at", "until", "revoked_at", "reason"]


@admin.register(StandingDecision)
class StandingDecisionAdmin(HistoryAdmin):
    list_display = ["giver", "version", "step", "uses_left", "expires_at", "revoked_at"]
    list_filter = ["expires_at"]
    list_select_related = ["giver", "version__procedure"]
    ordering = ["-pk"]
    search_fields = [f"giver__{name_field()}", "=step"]
    fields = [
        *("giver", "given_with", "version", "step", "limits", "value", "comment"),
        *("uses", "uses_left", "begins_at", "expires_at", "revoked_at", "revoked_by"),
    ]


class OwnOfRequestAdmin(HistoryAdmin):
    """A base class for admins of rows that belong to one person and one request, such as drafts."""

    list_select_related = ["user", "request"]
    search_fields = [f"user__{name_field()}", "request__prompt"]


@admin.register(Snooze)
class SnoozeAdmin(OwnOfRequestAdmin):
    list_display = ["user", "request", "until"]
    list_filter = ["until"]
    ordering = ["-until", "-pk"]
    fields = ["user", "request", "until"]


@admin.register(Draft)
class DraftAdmin(OwnOfRequestAdmin):
    """An admin of drafts that shows who is typing an answer, but not the text of the answer."""

    list_display = ["user", "request", "at"]
    list_filter = [("at", Between)]
    ordering = ["-at", "-pk"]
    fields = ["user", "request", "version", "at"]
