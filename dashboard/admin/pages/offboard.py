"""The page that ends the account of somebody who leaves, and the receipt of what was ended."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from chat.models import HumanRequest
from dashboard.accounts.authority import is_last_superuser
from dashboard.accounts.groups import groups_in_use
from dashboard.accounts.offboarding import (
    MOST_AT_ONCE,
    LastSuperuserError,
    NamedRequest,
    deputyships,
    may_offboard,
    may_pass_on,
    offboard,
    requests_left,
    unknown_assignees,
)
from dashboard.admin.addresses import request_addresses
from dashboard.admin.careful import (
    CONFIRMED,
    FoundConsequences,
    confirmed_first,
    consequences_of,
    key_of,
)
from dashboard.admin.pages.parts import add_part
from dashboard.admin.pages.people import may_look
from dashboard.admin.pages.person import draw_person, find_person, of_request
from dashboard.admin.people import LAST
from dashboard.admin.viewer import may_look_at
from dashboard.forms.operations import LoggedReasonForm
from procedures.models.clock import clock
from procedures.users import User

LONGEST_NAME = 160
MOST_OFFERED = 50
"""The maximum number of groups that the fields suggest."""


class LeavingForm(LoggedReasonForm):
    """A form for the reason why somebody leaves, and for the new assignees of their requests."""

    def __init__(
        self, user: User, left: list[NamedRequest], hidden: int, *args: Any, by: User
    ) -> None:
        super().__init__(*args)
        self.user, self.left, self.by = user, left, by
        if not may_pass_on(by):
            return
        offers = forms.TextInput(attrs={"list": "assignees"})
        if left or hidden:
            self.fields["rest"] = forms.CharField(
                label=_("New assignee of requests that name only this person"),
                required=False,
                max_length=LONGEST_NAME,
                help_text=_(
                    "A group, such as finance, or a person, such as @ann. If you enter another "
                    "assignee for a single request, that one counts. Requests without a new "
                    "assignee stay with this person."
                ),
                widget=offers,
            )
        for one in left:
            self.fields[f"to-{one.request.pk}"] = forms.CharField(
                label=one.request.prompt[:LONGEST_NAME],
                required=False,
                max_length=LONGEST_NAME,
                widget=offers,
            )

    def rows(self) -> list[tuple[NamedRequest, str, Any]]:
        """Return each request with the address of its page and its form field.

        The form fields are None if the viewer may not reassign requests.
        """
        pages = request_addresses((one.request for one in self.left), self.by)
        names = [(one, f"to-{one.request.pk}") for one in self.left]
        return [
            (one, pages[one.request.pk], self[name] if name in self.fields else None)
            for one, name in names
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        named = {name: value for name, value in cleaned.items() if name != "reason" and value}
        unknown = unknown_assignees(set(named.values()), self.user)
        for name, value in named.items():
            if value in unknown:
                words = _(
                    "“{name}” isn't an active user, or a group with an active member, apart from "
                    "the person who leaves. Enter another group, or another user as @name."
                )
                self.add_error(name, words.format(name=value))
        return cleaned

    def chosen(self) -> dict[UUID, str]:
        return {
            one.request.pk: self.cleaned_data.get(f"to-{one.request.pk}", "") for one in self.left
        }


@add_part("person/<str:key>/offboard/", "person_offboard", may_look)
def person_offboard(request: HttpRequest, key: str) -> HttpResponse:
    """Ask for the new assignees, show what would break without the account, and end the account."""
    user, by = find_person(key), of_request(request)
    if not may_offboard(by, user):
        raise PermissionDenied
    left, hidden = requests_left(user, viewer=by, sees_all=may_look_at(HumanRequest))
    sent = request.POST if request.method == "POST" else None
    form = LeavingForm(user, left, hidden, sent, by=by)
    refusal = LAST if is_last_superuser([user]) else ""

    def show(found: Sequence[FoundConsequences]) -> HttpResponse:
        return draw_person(
            request,
            find_person(key),
            "person_offboard",
            form=form,
            hidden=hidden,
            offered=groups_in_use().order_by("name")[:MOST_OFFERED],
            most=MOST_AT_ONCE,
            may_pass=may_pass_on(by),
            deputyships=deputyships(user),
            consequences=consequences_of(found, by),
            confirmed=(CONFIRMED, key_of(found)),
            refusal=refusal,
        )

    def act() -> HttpResponse:
        return end_account(request, user, form)

    if refusal or not form.is_valid():
        return show([])
    try:
        return confirmed_first(request, act, show)
    except LastSuperuserError:
        refusal = LAST
        return show([])


def end_account(request: HttpRequest, user: User, form: LeavingForm) -> HttpResponse:
    """End the account, and return the page with the receipt."""
    by, cleaned = of_request(request), form.cleaned_data
    receipt = offboard(
        user, form.chosen(), rest=cleaned.get("rest", ""), by=by, reason=cleaned["reason"]
    )
    context = {"receipt": receipt, "reason": cleaned["reason"], "by": by, "at": clock.now()}
    return draw_person(request, user, "person_offboarded", **context)
