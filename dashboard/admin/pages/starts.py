"""The page that blocks new runs of one procedure or of all, until somebody allows them again."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from dashboard.accounts.keyed import row_with_key
from dashboard.admin.pages.parts import add_part, draw, may_all, may_send
from dashboard.admin.typed import NamedField
from dashboard.forms.operations import LoggedReasonForm
from procedures.library import JOBS
from procedures.models import Procedure, StoppedStarts
from procedures.models.stopped_starts import LONGEST_NOTICE
from procedures.services import allow_starts, stop_starts

CHANGE = "countersign_procedures.change_stoppedstarts"
may_look = may_all("countersign_procedures.view_stoppedstarts")


class StopForm(LoggedReasonForm):
    """A form that blocks new runs of a procedure, with a notice for people and a reason."""

    procedure: Any = NamedField(
        Procedure.objects.exclude(name__in=JOBS).order_by("title"),
        label=lazy("Procedure"),
        required=False,
        empty_label=lazy("All procedures"),
    )
    notice = forms.CharField(
        label=lazy("Notice"),
        max_length=LONGEST_NOTICE,
        help_text=lazy(
            "People who try to start a run see this text. Say until when they can't start one."
        ),
    )
    field_order = ("procedure", "notice", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        procedure: Any = self.fields["procedure"]
        procedure.type_if_long(
            lazy(
                "Its title, or its name in code. If the field is empty, new runs of all procedures "
                "are blocked."
            )
        )


@add_part("new-runs/", "new_runs", may_look, lazy("New runs"), place=10, below="settings")
def new_runs(request: HttpRequest) -> HttpResponse:
    """Show the procedures that can't be started; block new runs, or allow them again."""
    by: Any = request.user
    may_change = may_send(request, CHANGE)
    if request.method == "POST" and "allow" in request.POST:
        return _allow(request, by)
    form = StopForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        cleaned = form.cleaned_data
        stop_starts(cleaned["procedure"], cleaned["notice"], by=by, reason=cleaned["reason"])
        messages.success(
            request,
            _("From now on, nobody can start new runs of %s.") % _what(cleaned["procedure"]),
        )
        return HttpResponseRedirect(reverse("admin:new_runs"))
    stops = StoppedStarts.objects.select_related("procedure")
    return draw(
        request,
        "dashboard/admin/new_runs.html",
        _("New runs"),
        stops=stops,
        form=form,
        may_change=may_change,
    )


def _allow(request: HttpRequest, by: Any) -> HttpResponse:
    rows = StoppedStarts.objects.select_related("procedure")
    found = row_with_key(rows, request.POST["allow"])
    if found is None:
        raise Http404
    allow_starts(found.procedure, by=by, reason="")
    messages.success(
        request, _("The block on new runs of %s was removed.") % _what(found.procedure)
    )
    return HttpResponseRedirect(reverse("admin:new_runs"))


def _what(procedure: Procedure | None) -> str:
    return procedure.title if procedure else _("all procedures")
