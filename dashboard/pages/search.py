"""The search for pages, requests, runs and sessions, as a page and as JSON."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_safe

from dashboard.overview.finds import MOST_SEARCHED, Find, Search
from dashboard.pages.marks import with_marks
from dashboard.pages.visit import Visit

Words = str | Promise
PAGES: tuple[tuple[str, Words, Words], ...] = (
    ("countersign:home", lazy("Home"), lazy("What is waiting, stuck, running and due next")),
    ("countersign:inbox", lazy("Inbox"), lazy("Everything that is waiting for you")),
    ("countersign:session_list", lazy("Chat"), lazy("Talk to people and runs")),
    ("countersign:run_list", lazy("Runs"), lazy("All runs that you can see")),
    ("countersign:procedure_list", lazy("Procedures"), lazy("Start a procedure")),
    (
        "countersign:profile",
        lazy("Profile"),
        lazy("Password, tokens, time zone, signed-in browsers"),
    ),
    ("countersign:api:openapi-view", lazy("API"), lazy("Documentation for programs")),
)
ADMIN = ("admin:index", lazy("Admin"), lazy("Users, groups, grants and operations"))


@dataclass(frozen=True)
class Group:
    """The results of one kind, each with its address."""

    name: str
    label: Words
    finds: list[tuple[str, Find]]


@require_safe
@login_required
@with_marks()
def search(request: Visit) -> HttpResponse:
    text = request.GET.get("q", "")
    context = {"text": text, "groups": list(groups(request, text)), "searched": MOST_SEARCHED}
    return render(request, "dashboard/search.html", context)


@require_safe
@login_required
def search_results(request: Visit) -> JsonResponse:
    found = groups(request, request.GET.get("q", ""))
    return JsonResponse({"groups": [_as_json(group) for group in found]})


def groups(request: Visit, text: str) -> Iterator[Group]:
    """Yield the groups of results that aren't empty."""
    found = Search(request.user, text)
    sorts = (
        ("requests", lazy("Waiting for you"), found.requests(), "countersign:request_detail"),
        ("procedures", lazy("Start"), found.procedures(), "countersign:procedure_detail"),
        ("runs", lazy("Runs"), found.runs(), "countersign:run_detail"),
        ("sessions", lazy("Chat"), found.sessions(), "countersign:session_detail"),
    )
    for name, label, finds, address in sorts:
        if finds:
            yield Group(name, label, [(reverse(address, args=[one.key]), one) for one in finds])
    if pages := list(_pages(request, found)):
        yield Group("pages", lazy("Go to"), pages)


def _pages(request: Visit, found: Search) -> Iterator[tuple[str, Find]]:
    for name, title, detail in (*PAGES, *([ADMIN] if request.user.is_staff else [])):
        try:
            href = reverse(name)
        except NoReverseMatch:  # a site without the admin
            continue
        if found.fits(str(title), str(detail)):
            yield href, Find(name, str(title), str(detail))


def _as_json(group: Group) -> dict[str, Any]:
    items = [
        {
            "href": href,
            "title": one.title,
            "detail": one.detail,
            "at": one.at.isoformat() if one.at else "",
            "show": one.show,
        }
        for href, one in group.finds
    ]
    return {"name": group.name, "label": str(group.label), "items": items}
