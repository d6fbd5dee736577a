"""A person's own ways to sign in: second factors, and accounts at companies to link or remove."""

from collections.abc import Callable
from typing import Any, TypeVar

from allauth.account.decorators import reauthentication_required
from allauth.mfa.base.views import IndexView
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from dashboard.accounts.second_factor import accounts_of, remove_own_account
from dashboard.company import oidc
from dashboard.company.doors import ways_in

Page = TypeVar("Page", bound=Callable[..., HttpResponse])


def proven(page: Page) -> Page:
    """Ask people to prove again who they are before they see the page."""
    asking: Page = reauthentication_required(app="allauth.mfa")(page)
    return asking


class Ways(IndexView):
    """The page with a person's own second factors and company accounts."""

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**given)
        own = {"accounts": accounts_of(self.request.user), "companies": ways_in()["companies"]}
        return context | own


@require_POST
@login_required
@proven
def link(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Send the browser to the company.

    The account with which the person signs in there is linked, whatever its e-mail address is.
    """
    return oidc.leave(request, provider_id, reverse("mfa_index"), link=str(request.user.pk))


@require_POST
@login_required
@proven
def remove(request: HttpRequest, number: int) -> HttpResponse:
    """Remove the link with a company account."""
    user: Any = request.user
    if not remove_own_account(user, number):
        raise Http404
    return redirect("mfa_index")
