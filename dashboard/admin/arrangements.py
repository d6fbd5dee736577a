"""Read-only admin pages for what people arrange about the requests they are asked.

These are their delegations, standing decisions, snoozes and drafts.
"""

from django.contrib import admin

from chat.models import Delegation, Draft, Snooze, StandingDecision
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
    """A base class for admins of what one person keeps for themselves about one request."""

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
    """An admin that shows that somebody is typing an answer, and not what."""

    list_display = ["user", "request", "at"]
    list_filter = ["at"]
    ordering = ["-at", "-pk"]
    fields = ["user", "request", "version", "at"]
