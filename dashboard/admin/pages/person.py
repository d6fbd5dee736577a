"""The pages about one person: roles with their reasons, open requests, sign-ins and actions."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from chat.models import HumanRequest, HumanResponse
from dashboard.accounts import sign_ins
from dashboard.accounts.absence import may_set_deputy
from dashboard.accounts.authority import may_act_as, may_change
from dashboard.accounts.directory import deputies_of
from dashboard.accounts.keyed import number_in, page_after, row_with_key
from dashboard.accounts.offboarding import may_offboard
from dashboard.accounts.open_requests import open_requests
from dashboard.accounts.rights import TITLES, held_roles
from dashboard.accounts.second_factor import is_on, may_remove_ways, remove_way, ways_of
from dashboard.admin.addresses import request_addresses, row_address
from dashboard.admin.pages.parts import add_part, draw, links_of
from dashboard.admin.pages.people import may_look
from dashboard.admin.viewer import may_look_at
from dashboard.forms.operations import LoggedReasonForm
from dashboard.forms.profile import TokenForm
from dashboard.models import ApiToken, SignIn
from procedures import access
from procedures.conf import conf
from procedures.engine.declaration.roles import ROLES
from procedures.models import Act, Grant
from procedures.users import User, email_of, users


class WayForm(LoggedReasonForm):
    """A form for the reason why a way to sign in is removed, with the way's key."""

    row = forms.CharField(max_length=40)


MOST_PROCEDURES, MOST_SHOWN = 50, 50
TABS = {
    "person": lazy("Access"),
    "person_open": lazy("Open requests"),
    "person_sign_in": lazy("Sign-in"),
    "person_acts": lazy("Activity"),
}
"""The titles of the pages about a person, by the names of the pages' addresses."""


def find_person(key: str) -> User:
    """Return the user with this key; raise `Http404` if there is none."""
    found = row_with_key(users(), key)
    if found is None:
        raise Http404
    return found


@add_part("person/<str:key>/", "person", may_look)
def person(request: HttpRequest, key: str) -> HttpResponse:
    """Show each procedure on which the person has a role, and the reasons for each role."""
    found = find_person(key)
    after = request.GET.get("after", "")
    procedures = page_after(access.procedures_for(found), "title", after, MOST_PROCEDURES)
    shown = procedures.rows if may_look_at(Grant) else []
    held, titles = held_roles(found, shown), [TITLES[role] for role in ROLES]
    return draw_person(
        request,
        found,
        "person",
        titles=titles,
        may_see=may_look_at(Grant),
        rows=[(one, list(zip(titles, held[one.pk], strict=True))) for one in shown],
        **links_of(request, procedures),
    )


@add_part("person/<str:key>/open/", "person_open", may_look)
def person_open(request: HttpRequest, key: str) -> HttpResponse:
    """Show the open requests that the person can answer."""
    found, viewer = find_person(key), of_request(request)
    shown = open_requests(found, viewer=viewer, sees_all=may_look_at(HumanRequest))
    pages = request_addresses((one.request for one in shown.asked), viewer)
    asked = [(one, pages[one.request.pk]) for one in shown.asked]
    return draw_person(request, found, "person_open", asked=asked, hidden=shown.hidden)


@add_part("person/<str:key>/sign-in/", "person_sign_in", may_look)
def person_sign_in(request: HttpRequest, key: str) -> HttpResponse:
    """Show the person's sessions and tokens, end them, and make sign-in links for the person."""
    found = find_person(key)
    if request.method == "POST":
        return act_on(request, found)
    return draw_sign_in(request, found)


def draw_sign_in(request: HttpRequest, user: User, **context: Any) -> HttpResponse:
    """Return the sign-in tab; `context` has a new link or token, or a form with faults."""
    by = of_request(request)
    sessions = user.sign_ins.filter(session__expire_date__gt=timezone.now())
    return draw_person(
        request,
        user,
        "person_sign_in",
        may_see_sessions=may_change(by, user) or may_look_at(SignIn),
        sessions=sessions[:MOST_SHOWN],
        may_see_tokens=may_change(by, user) or may_look_at(ApiToken),
        tokens=user.api_tokens.filter(revoked_at=None).order_by("-pk")[:MOST_SHOWN],
        has_factors=is_on(),
        ways=ways_of(user) if may_change(by, user) else [],
        may_remove_ways=may_remove_ways(by, user),
        may_change=may_change(by, user),
        may_act_as=may_act_as(by, user) and user.is_active,
        sends_mail=conf.SENDS_MAIL and bool(email_of(user)),
        **{"token_form": TokenForm(user), **context},
    )


def act_on(request: HttpRequest, user: User) -> HttpResponse:
    """Carry out the action of the pressed button on the sign-in tab; show a sentence about it."""
    by, what = of_request(request), request.POST.get("act", "")
    if what == "make_link":
        return draw_sign_in(request, user, link=sign_ins.make_link(user, by=by))
    if what == "create_token":
        return create_token(request, user)
    if what == "remove_way":
        return remove(request, user)
    acts: dict[str, tuple[Callable[[], object], str]] = {
        "end_everything": (
            lambda: sign_ins.end_everything(user, by=by),
            _("All sessions were ended, and all tokens and links revoked."),
        ),
        "end_links": (
            lambda: sign_ins.end_all_links(user, by=by),
            _("All sign-in links were revoked."),
        ),
        "end_session": (
            lambda: sign_ins.end_session(user, number_of(request), by=by),
            _("That session was signed out."),
        ),
        "revoke_token": (
            lambda: sign_ins.revoke_token(user, number_of(request), by=by),
            _("That token was revoked."),
        ),
        "mail_link": (
            lambda: sign_ins.mail_link(user, by=by),
            _("A sign-in link was sent to {address}.").format(address=email_of(user)),
        ),
    }
    if what not in acts:
        raise Http404
    act, words = acts[what]
    try:
        act()
    except (OSError, sign_ins.NoAddressError):  # all errors of mail servers are of the first kind
        messages.error(
            request,
            _("The link couldn't be sent. Create a link here and give it to the person yourself."),
        )
    else:
        messages.success(request, words)
    return HttpResponseRedirect(request.get_full_path())


def create_token(request: HttpRequest, user: User) -> HttpResponse:
    """Create a token for a program that acts as the person, and show the token's text once."""
    form, by = TokenForm(user, request.POST), of_request(request)
    if not may_act_as(by, user):
        raise PermissionDenied
    if not form.is_valid():
        return draw_sign_in(request, user, token_form=form)
    token = sign_ins.create_token(user, **form.wanted, by=by)
    return draw_sign_in(request, user, token=token, token_name=form.cleaned_data["name"])


def remove(request: HttpRequest, user: User) -> HttpResponse:
    """Remove a second factor or a company account of the person, for which a reason is needed."""
    form = WayForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Nothing was removed. Enter a reason, and try again."))
    elif remove_way(
        user,
        form.cleaned_data["row"],
        by=of_request(request),
        reason=form.cleaned_data["reason"],
    ):
        messages.success(request, _("That way to sign in was removed."))
    else:
        raise Http404
    return HttpResponseRedirect(request.get_full_path())


def number_of(request: HttpRequest) -> int:
    """Return the row's id that the pressed button sends; raise `Http404` if there is none."""
    number = number_in(request.POST.get("row", ""))
    if number is None:
        raise Http404
    return number


@add_part("person/<str:key>/acts/", "person_acts", may_look)
def person_acts(request: HttpRequest, key: str) -> HttpResponse:
    """Show what the person has done and answered, and what others have done to the account."""
    found = find_person(key)
    may_read, may_see = may_look_at(Act), may_look_at(HumanResponse)
    answers = HumanResponse.objects.filter(user=found).order_by("-pk").select_related("request")
    return draw_person(
        request,
        found,
        "person_acts",
        may_read=may_read,
        may_see=may_see,
        log=log_of(found) if may_read else [],
        answers=answers.defer("shown", "changes")[:MOST_SHOWN] if may_see else [],
    )


def log_of(user: User) -> list[Act]:
    """Return the newest entries of the log about the person, and about what the person has done."""
    # Each by an index of its own, which a condition for both would not use.
    by, about = Act.objects.by(user), Act.objects.about(user)
    found = {one.pk: one for one in [*by[:MOST_SHOWN], *about[:MOST_SHOWN]]}
    return [found[key] for key in sorted(found, reverse=True)[:MOST_SHOWN]]


def draw_person(request: HttpRequest, user: User, tab: str, **context: Any) -> HttpResponse:
    """Return a page about a person; all these pages begin with the same name, groups and tabs."""
    by = of_request(request)
    return draw(
        request,
        f"dashboard/admin/{tab}.html",
        user.get_username(),
        above=[(reverse("admin:people"), _("People"))],
        person=user,
        groups=list(user.groups.order_by("name")),
        away=deputies_of([user.pk]).get(user.pk),
        tab=tab,
        tabs=[(reverse(f"admin:{name}", args=[user.pk]), name, TABS[name]) for name in TABS],
        account=account_page(user),
        may_offboard=may_offboard(by, user),
        may_set_deputy=may_set_deputy(by, user),
        **context,
    )


def of_request(request: HttpRequest) -> User:
    """Return the signed-in user of a request; raise `PermissionDenied` if the user isn't active."""
    user: Any = request.user
    if not user.is_active:
        raise PermissionDenied
    found: User = user
    return found


def account_page(user: User) -> str:
    """Return the address of the admin's form for the account; "" if the site has no form."""
    try:
        return row_address(user)
    except NoReverseMatch:
        return ""
