"""The admin pages of notifications, and of the times at which people last had a page open."""

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from chat.models import Notification, Presence
from chat.services import OPERATE_REQUEST
from dashboard.admin.acts import log_row
from dashboard.admin.chat import PartOfRequestAdmin
from dashboard.admin.filters import Between, NamedValues
from dashboard.admin.history import HistoryAdmin
from dashboard.admin.operations import chosen_rows
from procedures.models import Act
from procedures.models.clock import clock
from procedures.users import name_field


@admin.register(Notification)
class NotificationAdmin(PartOfRequestAdmin):
    title = lazy("Mail")
    grows = True
    actions = ["send_again"]
    list_display = [
        *("recipient", "channel", "request_page", "alert", "mention", "status"),
        *("planned_at", "sent_at", "tries", "note"),
    ]
    list_filter = ["status", ("channel", NamedValues), ("planned_at", Between)]
    list_select_related = ["request", "alert", "mention", "recipient"]
    search_fields = [f"recipient__{name_field()}", "request__prompt", "alert__text", "note"]
    fields = [
        *("request", "alert", "mention", "takes_back", "channel", "recipient", "status"),
        *("planned_at", "sent_at", "tries", "note", "next_try_at", "held_until", "bundle"),
    ]

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(OPERATE_REQUEST)

    @admin.action(description=lazy("Send again"), permissions=["operate"])
    def send_again(self, request: HttpRequest, rows: QuerySet[Notification]) -> None:
        """Queue the selected notifications for another try, if all their tries have failed.

        A notification that is no longer needed when the try is due isn't sent.
        """
        count, now = 0, clock.now()
        for row in chosen_rows(self, request, rows):
            with transaction.atomic():
                # Locked: a worker may be about to send it.
                found = Notification.objects.select_for_update().get(pk=row.pk)
                if found.send_again(at=now):
                    log_row(request, found, "Send again.", kind=Act.Kind.VERB)
                    count += 1
        words = ngettext(
            "{count} notification will be sent again. Only failed notifications can be sent again.",
            "{count} notifications will be sent again. Only failed notifications can be sent "
            "again.",
            count,
        )
        self.message_user(request, words.format(count=count))


@admin.register(Presence)
class PresenceAdmin(HistoryAdmin):
    list_display = ["user", "seen_at"]
    list_select_related = ["user"]
    ordering = ["-seen_at"]
    search_fields = [f"user__{name_field()}"]
    fields = ["user", "seen_at"]
