"""Refusals of a sign-in with a company account, each with what the person can do."""

from enum import Enum
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as lazy

from dashboard.http.throttle import Attempt

DOOR = "company sign-in"


class Refusal(Enum):
    """A reason why nobody is signed in: the response's status, and the sentence for people."""

    CANCELLED = (HTTPStatus.FORBIDDEN, lazy("Your company didn't sign you in. Try again."))
    UNREACHABLE = (
        HTTPStatus.BAD_GATEWAY,
        lazy("Your company's sign-in can't be reached. Try again later, or sign in another way."),
    )
    UNPROVEN = (
        HTTPStatus.FORBIDDEN,
        lazy("The response of your company's sign-in isn't valid. Sign in again."),
    )
    UNVERIFIED = (
        HTTPStatus.FORBIDDEN,
        lazy(
            "Your company hasn't verified your e-mail address, so it can't be matched with an "
            "account. Ask your company to verify it, or sign in another way."
        ),
    )
    UNKNOWN = (
        HTTPStatus.FORBIDDEN,
        lazy(
            "No account here has your e-mail address. Ask an administrator of this site for an "
            "invitation."
        ),
    )
    AMBIGUOUS = (
        HTTPStatus.FORBIDDEN,
        lazy(
            "Several accounts here have your e-mail address. Ask an administrator of this site to "
            "correct them."
        ),
    )
    TAKEN = (
        HTTPStatus.FORBIDDEN,
        lazy(
            "That company account is already linked to another user here. Choose your own account, "
            "or ask an administrator of this site."
        ),
    )
    INACTIVE = (
        HTTPStatus.FORBIDDEN,
        lazy("Your account isn't active. Ask an administrator of this site."),
    )
    TOO_MANY = (
        HTTPStatus.TOO_MANY_REQUESTS,
        lazy("Too many attempts. Wait a while, then try again."),
    )

    def __init__(self, status: HTTPStatus, message: str | Promise) -> None:
        self.status, self.message = status, message


def refuse(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """Return the page of a refusal.

    Most refusals count as failed attempts from the client's address.
    """
    if refusal not in {Refusal.CANCELLED, Refusal.UNREACHABLE, Refusal.TOO_MANY}:
        Attempt.by(request, DOOR).fail()
    context = {"message": refusal.message}
    return render(request, "dashboard/company/refused.html", context, status=refusal.status)
