"""The pages for retentions and legal holds, with a preview of what a retention would remove."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from dashboard.accounts.keyed import page_after
from dashboard.admin.pages.parts import add_part, draw, links_of, may_all, may_send, text_in
from dashboard.admin.typed import NAME_OF_PROCEDURE, NamedField
from dashboard.forms.operations import LoggedReasonForm
from procedures.conf import conf
from procedures.models import LegalHold, Procedure, RemovalRound, Retention, Run, Tombstone
from procedures.models.retention import MOST_DAYS
from procedures.services.operations import ReasonError
from procedures.services.retention.holds import (
    HoldRefusedError,
    place_hold,
    release_hold,
    removed_sentence,
    set_retention,
)
from procedures.services.retention.previews import preview
from procedures.users import name_field, users

MOST_HOLDS = 200
"""The maximum number of holds that a preview lists; those that keep the most runs come first."""
MOST_PROCEDURES = 50
PERMISSION = "countersign_procedures.{}"
may_look = may_all(*map(PERMISSION.format, ("view_retention", "view_legalhold")))
WHY_KEPT = {
    "young": lazy("a run of their family hasn't ended, or not long enough ago"),
    "held": lazy("a legal hold"),
    "open": lazy("a request is open"),
    "undoable": lazy("an answer can still be undone"),
    "standing": lazy("a standing decision that was made there still counts or has been used"),
    "unsent": lazy("a notification or a report to a program hasn't been sent yet"),
}


class DaysForm(forms.Form):
    """A form for the days of a retention, which shows a preview and changes nothing."""

    days = forms.IntegerField(
        label=lazy("Days after the end of a run"),
        min_value=0,
        max_value=MOST_DAYS,
        required=False,
        help_text=lazy("0 keeps the runs for ever. Leave it empty to follow the site's setting."),
    )


class SavedDaysForm(LoggedReasonForm, DaysForm):
    """A form that sets the days of a retention, after its preview was shown."""

    field_order = ("days", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["days"].widget = forms.HiddenInput()


class HoldForm(LoggedReasonForm):
    """A form that places a legal hold on a run, a procedure or a person."""

    run = forms.UUIDField(label=lazy("Id of a run"), required=False)
    procedure: Any = NamedField(
        Procedure.objects.order_by("title"), label=lazy("Or a procedure"), required=False
    )
    person = forms.CharField(
        label=lazy("Or the user name of a person"),
        required=False,
        max_length=254,
        help_text=lazy(
            "Holds all runs that the person started, wrote to or operated, all runs that asked the "
            "person or that the person answered, and all runs whose subject contains the user name."
        ),
    )
    field_order = ("run", "procedure", "person", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        procedure: Any = self.fields["procedure"]
        procedure.type_if_long(NAME_OF_PROCEDURE)

    def clean_run(self) -> Run | None:
        key: UUID | None = self.cleaned_data["run"]
        if key is None:
            return None
        if found := Run.objects.select_related("procedure").filter(pk=key).first():
            return found
        grave = Tombstone.objects.filter(pk=key).first()
        raise forms.ValidationError(
            removed_sentence(grave) if grave else _("There is no run with this id.")
        )

    def clean_person(self) -> Any:
        name = self.cleaned_data["person"].replace("\0", "")
        if not name:
            return None
        if found := users().filter(**{name_field(): name}).first():
            return found
        raise forms.ValidationError(_("There is no user with this name."))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        named = [cleaned[name] for name in ("run", "procedure", "person") if cleaned.get(name)]
        if not self.errors and len(named) != 1:
            raise forms.ValidationError(_("Name a run, a procedure or a person, and only one."))
        cleaned["subject"] = named[0] if named else None
        return cleaned


@add_part("retention/", "retention", may_look, lazy("Retention"), place=10, below="settings")
def retention(request: HttpRequest) -> HttpResponse:
    """Show how long the runs of each procedure are kept, and all legal holds; place a hold."""
    may_hold = may_send(request, PERMISSION.format("add_legalhold"))
    form = HoldForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and _place(request, form):
        return HttpResponseRedirect(reverse("admin:retention"))
    own = dict(Retention.objects.values_list("procedure", "days"))
    held = set(LegalHold.objects.exclude(procedure=None).values_list("procedure", flat=True))
    words = text_in(request.GET, "q")
    found = Procedure.objects.filter(Q(title__icontains=words) | Q(name__icontains=words))
    procedures = page_after(found, "title", request.GET.get("after", ""), MOST_PROCEDURES)
    holds = LegalHold.objects.select_related("run__procedure", "procedure", "user")
    return draw(
        request,
        "dashboard/admin/retention.html",
        _("Retention"),
        rows=[(one, days_in_words(own.get(one.pk)), one.pk in held) for one in procedures.rows],
        words=words,
        **links_of(request, procedures, q=words),
        holds=holds,
        last=RemovalRound.latest(),
        form=form,
        may_hold=may_hold,
        may_release=_has(request, "delete_legalhold"),
    )


def _place(request: HttpRequest, form: HoldForm) -> bool:
    cleaned, by = form.cleaned_data, request.user
    try:
        place_hold(cleaned["subject"], by=by, reason=cleaned["reason"])  # type: ignore[arg-type]
    except (HoldRefusedError, ReasonError) as refusal:
        form.add_error(None, str(refusal))
        return False
    messages.success(request, _("The legal hold is in force."))
    return True


@add_part("retention/holds/<int:key>/release/", "release_hold", may_look)
def release(request: HttpRequest, key: int) -> HttpResponse:
    """Ask for the reason to release a legal hold, and release it."""
    if not _has(request, "delete_legalhold"):
        raise PermissionDenied
    holds = LegalHold.objects.select_related("run__procedure", "procedure", "user")
    hold, by = get_object_or_404(holds, pk=key), request.user
    form = LoggedReasonForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            release_hold(hold.pk, by=by, reason=form.cleaned_data["reason"])  # type: ignore[arg-type]
        except LegalHold.DoesNotExist:  # somebody else has released it at the same moment
            raise Http404 from None
        messages.success(request, _("The legal hold was released."))
        return HttpResponseRedirect(reverse("admin:retention"))
    return draw(
        request,
        "dashboard/admin/release_hold.html",
        _("Release a legal hold"),
        above=[(reverse("admin:retention"), _("Retention"))],
        hold=hold,
        form=form,
    )


@add_part("retention/procedures/<str:name>/", "retention_of", may_look)
def retention_of(request: HttpRequest, name: str) -> HttpResponse:
    """Show what a retention would remove from a procedure's runs now; a POST sets the retention."""
    procedure, by = get_object_or_404(Procedure, name=name), request.user
    may_change = may_send(request, PERMISSION.format("change_retention"))
    if request.method == "POST":
        saved = SavedDaysForm(request.POST)
        if saved.is_valid():
            cleaned = saved.cleaned_data
            set_retention(procedure, cleaned["days"], by=by, reason=cleaned["reason"])  # type: ignore[arg-type]
            messages.success(request, _("The retention was changed."))
            return HttpResponseRedirect(reverse("admin:retention"))
        asked = DaysForm({"days": request.POST.get("days", "")})
    else:
        own = Retention.objects.filter(procedure=procedure).first()
        asked = DaysForm(request.GET if "days" in request.GET else {"days": own and own.days})
        saved = SavedDaysForm(initial={"days": request.GET.get("days", own and own.days)})
    days = asked.cleaned_data["days"] if asked.is_valid() else None
    in_force = Retention.objects.filter(procedure=procedure).values_list("days", flat=True).first()
    shown = None
    if asked.is_valid():
        shown = preview(procedure, conf.RETENTION_DAYS if days is None else days)
    return draw(
        request,
        "dashboard/admin/retention_of.html",
        _("Retention of {title}").format(title=procedure.title),
        above=[(reverse("admin:retention"), _("Retention"))],
        procedure=procedure,
        words=days_in_words(days),
        in_force=days_in_words(in_force),
        preview=shown,
        kept=[(WHY_KEPT[kind], count) for kind, count in shown.kept.items()] if shown else [],
        holds=shown.holds.most_common(MOST_HOLDS) if shown else [],
        asked=asked,
        form=saved,
        is_chosen="days" in request.GET or request.method == "POST",
        may_change=may_change,
    )


def days_in_words(days: int | None) -> str:
    """Return a sentence about a retention; None is the site's setting, and 0 is for ever."""
    if days is None:
        site = days_in_words(conf.RETENTION_DAYS)
        return _("{sentence} This is the site's setting.").format(sentence=site)
    if not days:
        return _("Runs are kept for ever.")
    words = ngettext(
        "Runs are kept for {count} day after their end.",
        "Runs are kept for {count} days after their end.",
        days,
    )
    return words.format(count=days)


def _has(request: HttpRequest, code: str) -> bool:
    return request.user.has_perm(PERMISSION.format(code))
