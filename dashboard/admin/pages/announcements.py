"""The page on which site managers announce something on every page, until a time."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from dashboard.accounts.announcing import Planned, announce, end_announcement
from dashboard.accounts.keyed import row_with_key
from dashboard.admin.pages.parts import add_part, draw, may_all, may_send
from dashboard.forms.operations import LoggedReasonForm
from dashboard.models import Announcement
from dashboard.models.announcement import LONGEST_TEXT, MOST_LISTED
from procedures.models.clock import clock

CHANGE = "countersign_dashboard.change_announcement"
LONGEST = timedelta(days=366)
may_look = may_all("countersign_dashboard.view_announcement")


class AnnouncementForm(LoggedReasonForm):
    """A form for a text, its level, when it is shown, and the reason for the log."""

    text = forms.CharField(
        label=lazy("Text"),
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=lazy("Plain text. Write addresses in full, such as https://status.example.org/."),
    )
    level = forms.ChoiceField(label=lazy("Level"), choices=Announcement.Level.choices)
    starts_at = forms.DateTimeField(
        label=lazy("From"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text=lazy("If empty, it is shown at once."),
    )
    ends_at = forms.DateTimeField(
        label=lazy("Until"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )
    field_order = ("text", "level", "starts_at", "ends_at", "reason")

    def clean_text(self) -> str:
        """Return the text in one line."""
        return " ".join(str(self.cleaned_data["text"]).split())

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        now, until = clock.now(), cleaned.get("ends_at")
        if until and not (cleaned.get("starts_at") or now) < until:
            self.add_error("ends_at", _("The end must be after the start, and in the future."))
        elif until and not now < until <= now + LONGEST:
            self.add_error("ends_at", _("Choose an end in the future, at most a year ahead."))
        return cleaned

    @property
    def planned(self) -> Planned:
        cleaned = self.cleaned_data
        return Planned(cleaned["text"], cleaned["level"], cleaned["ends_at"], cleaned["starts_at"])


@add_part(
    "announcements/", "announcements", may_look, lazy("Announcements"), place=10, below="settings"
)
def announcements(request: HttpRequest) -> HttpResponse:
    """Show what is announced or will be; announce something, or end an announcement."""
    by: Any = request.user
    may_change = may_send(request, CHANGE)
    if request.method == "POST" and "end" in request.POST:
        return _end(request, by)
    form = AnnouncementForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        announce(form.planned, by=by, reason=form.cleaned_data["reason"])
        return _done(request, _("The announcement was saved."))
    found = list(Announcement.objects.not_ended()[:MOST_LISTED])
    now = clock.now()
    return draw(
        request,
        "dashboard/admin/announcements.html",
        _("Announcements"),
        found=[(one, one.is_in_force(now)) for one in found],
        form=form,
        may_change=may_change,
    )


def _end(request: HttpRequest, by: Any) -> HttpResponse:
    found = row_with_key(Announcement.objects.all(), request.POST["end"])
    if found is None:
        raise Http404
    end_announcement(found, by=by, reason="")
    return _done(request, _("The announcement has ended."))


def _done(request: HttpRequest, feedback: str) -> HttpResponse:
    messages.success(request, feedback)
    return HttpResponseRedirect(reverse("admin:announcements"))
