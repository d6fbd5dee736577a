"""The page that sets until when a person is away, and which deputy answers in the meantime."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from dashboard.accounts.absence import end_absence, may_set_deputy, set_away
from dashboard.admin.pages.parts import add_part
from dashboard.admin.pages.people import may_look
from dashboard.admin.pages.person import draw_person, find_person, of_request
from dashboard.forms.operations import LoggedReasonForm
from procedures.services import OperationRefusedError
from procedures.users import User, find_active_user

LONGEST_NAME = 160


class AwayForm(LoggedReasonForm):
    """A form for the end of an absence, for the deputy, and for the reason of the change."""

    until = forms.DateTimeField(
        label=lazy("Away until"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "autofocus": True}),
    )
    deputy = forms.CharField(
        label=lazy("Deputy"),
        max_length=LONGEST_NAME,
        help_text=lazy("The user name of the person who can answer during the absence."),
    )
    field_order = ("until", "deputy", "reason")

    def clean_deputy(self) -> User:
        found = find_active_user(self.cleaned_data["deputy"].removeprefix("@"))
        if found is None:
            raise forms.ValidationError(_("There is no active user with this name."))
        return found


@add_part("person/<str:key>/away/", "person_away", may_look)
def person_away(request: HttpRequest, key: str) -> HttpResponse:
    """Ask until when the person is away and who answers in the meantime, or end the absence."""
    user, by = find_person(key), of_request(request)
    if not may_set_deputy(by, user):
        raise PermissionDenied
    if request.POST.get("act") == "end":
        end_absence(user, by=by)
        return _done(request, _("The absence was ended."))
    form = AwayForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            set_away(user, by=by, **form.cleaned_data)
        except OperationRefusedError as refusal:
            form.add_error(None, str(refusal))
        else:
            return _done(request, _("The deputy can answer from now on."))
    return draw_person(request, user, "person_away", form=form)


def _done(request: HttpRequest, feedback: str) -> HttpResponse:
    messages.success(request, feedback)
    return HttpResponseRedirect(request.get_full_path())
