"""The admin site as a whole, and the API tokens."""

from http import HTTPStatus
from typing import Any

from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from dashboard.accounts.sign_ins import revoke
from dashboard.admin import losses
from dashboard.admin.careful import watches
from dashboard.admin.history import HistoryAdmin
from dashboard.admin.logged import GuardedAdmin
from dashboard.models import (
    Announcement,
    ApiToken,
    FormerName,
    LinkCounter,
    Preferences,
    PushReceipt,
    PushSubscription,
    RetiredGroup,
    SignIn,
    StandardGroup,
)
from dashboard.models.token import ApiTokenQuerySet
from dashboard.models.trail import note
from procedures.users import name_field

admin.site.site_header = admin.site.site_title = "Countersign"
admin.site.index_title = lazy("Administration")
watches.append(losses.watch)


def _log_passwords(site: admin.AdminSite) -> None:
    """Log when somebody changes their own password in the admin."""
    change = site.password_change

    @transaction.atomic
    def password_change(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        answer: HttpResponse = change(request, extra_context)
        if request.method == "POST" and answer.status_code == HTTPStatus.FOUND:
            by: Any = request.user
            note(by, "Changed the password.")
        return answer

    # Set on the instance: a project may use an admin site of a class of its own.
    site.password_change = password_change  # type: ignore[assignment,method-assign]


_log_passwords(admin.site)


@admin.register(ApiToken)
class ApiTokenAdmin(GuardedAdmin):
    """An admin that can only revoke API tokens.

    People create tokens on the profile page or by `manage.py create_token`.
    """

    secrets = ("digest",)
    list_display = ["hint", "name", "user", "scope_names", "expires_at", "last_used_at", "state"]
    list_select_related = ["user"]
    search_fields = [f"user__{name_field()}", "hint", "name"]
    fields = [
        "user",
        "name",
        "hint",
        "scope_names",
        "created_at",
        "expires_at",
        "last_used_at",
        "revoked_at",
    ]
    show_full_result_count = False
    actions = ["revoke"]

    @admin.action(description=lazy("Revoke the selected tokens"), permissions=["delete"])
    def revoke(self, request: HttpRequest, tokens: ApiTokenQuerySet) -> None:
        by: Any = request.user
        count = sum(revoke(token, by=by) for token in tokens.select_related("user"))
        words = ngettext("{count} token was revoked.", "{count} tokens were revoked.", count)
        self.message_user(request, words.format(count=count))

    @admin.display(description=lazy("scopes"))
    def scope_names(self, token: ApiToken) -> str:
        return ", ".join(token.scopes)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class OfUserAdmin(HistoryAdmin):
    """An admin of rows that each belong to a user; a search finds them by the user's name."""

    list_select_related = ["user"]
    search_fields = [f"user__{name_field()}"]


@admin.register(SignIn)
class SignInAdmin(OfUserAdmin):
    """An admin of sign-ins, without the session key: whoever knows the key can act as the user."""

    secrets = ("session",)
    list_display = ["user", "address", "agent", "signed_in_at"]
    fields = ["user", "address", "agent", "signed_in_at"]


@admin.register(PushSubscription)
class PushSubscriptionAdmin(HistoryAdmin):
    """An admin of browsers that get notifications.

    It hides the secret address and keys of each browser.
    """

    secrets = ("endpoint", "digest", "public_key", "secret")
    list_display = ["sign_in", "created_at"]
    list_select_related = ["sign_in__user"]
    search_fields = [f"sign_in__user__{name_field()}"]
    fields = ["sign_in", "created_at"]


@admin.register(PushReceipt)
class PushReceiptAdmin(HistoryAdmin):
    list_display = ["key", "subscription", "accepted_at"]
    list_select_related = ["subscription__sign_in__user"]
    search_fields = ["=key"]
    fields = ["key", "subscription", "accepted_at"]


@admin.register(Announcement)
class AnnouncementAdmin(HistoryAdmin):
    list_display = ["__str__", "level", "starts_at", "ends_at"]
    fields = ["text", "level", "starts_at", "ends_at"]


@admin.register(Preferences)
class PreferencesAdmin(OfUserAdmin):
    list_display = ["user", "time_zone", "has_keys"]
    fields = ["user", "time_zone", "has_keys"]


@admin.register(LinkCounter)
class LinkCounterAdmin(OfUserAdmin):
    list_display = ["user", "count"]
    fields = ["user", "count"]


@admin.register(FormerName)
class FormerNameAdmin(HistoryAdmin):
    list_display = ["name", "kind", "held_by", "left_at"]
    list_filter = ["kind"]
    search_fields = ["name", "=held_by"]
    fields = ["name", "kind", "held_by", "left_at"]


@admin.register(StandardGroup)
class StandardGroupAdmin(HistoryAdmin):
    list_display = ["kind", "group"]
    list_select_related = ["group"]
    fields = ["kind", "group"]


@admin.register(RetiredGroup)
class RetiredGroupAdmin(HistoryAdmin):
    list_display = ["group", "retired_at"]
    list_select_related = ["group"]
    fields = ["group", "retired_at"]
