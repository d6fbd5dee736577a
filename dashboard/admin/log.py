"""The admin pages of the site's log and of Django's own log."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from dashboard.admin.acts import log_row
from dashboard.admin.addresses import list_address, page_address
from dashboard.admin.exporting import ExportedAdmin
from dashboard.admin.filters import Between
from dashboard.admin.history import HistoryAdmin
from dashboard.admin.viewer import may_look_at
from procedures.models import Act, LogHead
from procedures.services.verification import log_faults
from procedures.users import name_field


@admin.register(Act)
class ActAdmin(ExportedAdmin):
    """An admin of the site's log of who did what to the site. The newest entries come first."""

    title = lazy("Log")
    grows = True
    change_list_template = "dashboard/admin/log_list.html"
    list_display = ["at_second", "who", "kind", "thing", "done", "address"]
    list_display_links = ["at_second"]
    list_filter = ["kind", ("at", Between)]
    ordering = ["-pk"]
    search_fields = ["=name", "=about_id", "=address", "^about", "words", "reason"]
    search_help_text = lazy(
        "Search by a user's name, an id, an IP address, the beginning of an object's name, or "
        "words of an entry."
    )
    fields = ["seq", "at_second", "kind", "who", "address", "thing", "done", "hash"]
    readonly_fields = ["at_second", "who", "thing", "done"]
    columns = (
        ("number", lambda act: act.seq),
        ("time (UTC)", lambda act: act.at),
        ("kind", lambda act: act.kind),
        ("user id", lambda act: act.by_id),
        ("user", lambda act: act.name),
        ("program", lambda act: act.program),
        ("address", lambda act: act.address),
        ("thing", lambda act: act.about_type),
        ("thing id", lambda act: act.about_id),
        ("name of the thing", lambda act: act.about),
        ("what was done", lambda act: act.words),
        ("reason", lambda act: act.reason),
        ("old and new values", lambda act: act.changes),
        ("hash", lambda act: act.hash),
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.verify_view)
        return [path("verification/", view, name="log_verification"), *super().get_urls()]

    def verify_view(self, request: HttpRequest) -> HttpResponse:
        """Verify the chain and the proofs of all entries, and log that this was done."""
        page = list_address(Act)
        if request.method != "POST" or not self.has_view_permission(request):
            return HttpResponseRedirect(page)
        faults = log_faults()
        head = LogHead.current()
        sound = _("All {count} entries are unchanged.").format(count=f"{head.seq:,}")
        result = " ".join(faults[:MOST_FAULTS]) or sound
        log_row(request, head, f"Verified the log. {result}", kind=Act.Kind.VERIFY)
        self.message_user(request, result, "error" if faults else "success")
        return HttpResponseRedirect(page)

    @admin.display(description=lazy("by"))
    def who(self, act: Act) -> SafeString:
        return SafeString(render_to_string("dashboard/admin/_actor.html", {"act": act}))

    @admin.display(description=lazy("about"))
    def thing(self, act: Act) -> SafeString | str:
        """Return the name that the entry's object had when the entry was written.

        The name is a link if the object has a page in the admin that the viewer may open.
        """
        address = page_of(act)
        return format_html('<a href="{}">{}</a>', address, act.about) if address else act.about

    @admin.display(description=lazy("what was done"))
    def done(self, act: Act) -> SafeString:
        return SafeString(render_to_string("dashboard/admin/_act.html", {"act": act}))


MOST_FAULTS = 20


def page_of(act: Act) -> str:
    """Return the address of the admin page of the object that a log entry is about.

    Return "" if there is no such page, or if the viewer may not open it.
    """
    try:
        model = apps.get_model(act.about_type) if act.about_id else None
        return page_address(model, "change", act.about_id) if model and may_look_at(model) else ""
    except (LookupError, NoReverseMatch, ValueError):
        return ""


@admin.register(LogHead)
class LogHeadAdmin(HistoryAdmin):
    list_display = ["seq", "hash"]
    fields = ["seq", "hash"]


@admin.register(LogEntry)
class LogEntryAdmin(HistoryAdmin):
    """An admin of Django's own log, to which other apps of the project may write."""

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
