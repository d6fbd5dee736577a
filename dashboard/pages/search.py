"""The search for pages, requests, runs, sessions and texts, as a page and as JSON."""

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

from chat.models import Searchable
from chat.services import Hit
from dashboard.accounts.authority import may_see_people
from dashboard.accounts.directory import Filters, full_name_of, people
from dashboard.accounts.keyed import number_in
from dashboard.overview.addresses import path_to_message
from dashboard.overview.finds import MOST_FOUND, MOST_SEARCHED, Search, SearchResult
from dashboard.pages.marks import with_marks
from dashboard.pages.visit import Visit
from procedures.users import name_field

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


Kind = Searchable.Kind
SORTS: dict[str, tuple[Words, tuple[Kind, ...]]] = {
    "": (lazy("Everything"), ()),
    "messages": (lazy("Messages"), (Kind.PERSON, Kind.NOTICE)),
    "requests": (lazy("Requests"), (Kind.REQUEST,)),
    "answers": (lazy("Answers"), (Kind.ANSWER,)),
    "runs": (lazy("Runs"), (Kind.RUN,)),
    "sessions": (lazy("Sessions"), (Kind.SESSION,)),
}
"""The sorts of texts to which people can limit a search, each with a label and its kinds."""
KINDS: dict[str, Words] = {
    Kind.PERSON: lazy("Message"),
    Kind.NOTICE: lazy("Notice"),
    Kind.RUN: lazy("Run"),
    Kind.REQUEST: lazy("Request"),
    Kind.ANSWER: lazy("Answer"),
    Kind.SESSION: lazy("Session"),
}
LONGEST_PAGE = 20


@dataclass(frozen=True)
class ResultGroup:
    """The results of one kind, such as runs, each with its address."""

    name: str
    label: Words
    finds: list[tuple[str, SearchResult]]


@dataclass(frozen=True)
class TextResult:
    """A text that was found, with its address and the label of its kind, such as "Message"."""

    href: str
    kind: Words
    hit: Hit


@require_safe
@login_required
@with_marks()
def search(request: Visit) -> HttpResponse:
    text, sort, before = (request.GET.get(name, "") for name in ("q", "in", "before"))
    sort = sort if sort in SORTS else ""
    found = Search(request.user, text)
    is_first = not sort and not before
    texts = found.texts(SORTS[sort][1], before=number_in(before), most=LONGEST_PAGE)
    context = {
        "text": text,
        "groups": list(groups(request, found)) if is_first else [],
        "searched": MOST_SEARCHED,
        "sort": sort,
        "sorts": [(name, words) for name, (words, _) in SORTS.items()],
        "texts": [text_result(hit) for hit in texts.hits],
        "older": texts.next,
        # If the search was cut, the next page may be empty, too.
        "is_cut": texts.next is not None and len(texts.hits) < LONGEST_PAGE,
    }
    return render(request, "dashboard/search.html", context)


@require_safe
@login_required
def search_results(request: Visit) -> JsonResponse:
    found = Search(request.user, request.GET.get("q", ""))
    named = [_as_json(group) for group in groups(request, found)]
    if hits := found.first_texts().hits:
        # Inserted before the group of pages, which always comes last.
        items = [_text_as_json(text_result(hit)) for hit in hits]
        place = len(named) - (bool(named) and named[-1]["name"] == "pages")
        named.insert(place, {"name": "texts", "label": str(IN_CONVERSATIONS), "items": items})
    return JsonResponse({"groups": named})


IN_CONVERSATIONS = lazy("In conversations")


def text_result(hit: Hit) -> TextResult:
    """Return a text that was found, with the address of its session at its message."""
    if hit.message:
        href = path_to_message(hit.session, hit.message)
    else:
        href = reverse("countersign:session_detail", args=[hit.session])
    return TextResult(href, KINDS[hit.kind], hit)


def groups(request: Visit, found: Search) -> Iterator[ResultGroup]:
    """Yield the groups of results; empty groups are left out."""
    sorts = (
        ("requests", lazy("Waiting for you"), found.requests(), "countersign:request_detail"),
        ("procedures", lazy("Start"), found.procedures(), "countersign:procedure_detail"),
        ("runs", lazy("Runs"), found.runs(), "countersign:run_detail"),
        ("sessions", lazy("Chat"), found.sessions(), "countersign:session_detail"),
    )
    for name, label, finds, address in (*sorts, *_of_staff(request, found)):
        if finds:
            yield ResultGroup(
                name, label, [(reverse(address, args=[one.key]), one) for one in finds]
            )
    if pages := list(_pages(request, found)):
        yield ResultGroup("pages", lazy("Go to"), pages)


def _of_staff(
    request: Visit, found: Search
) -> Iterator[tuple[str, Words, list[SearchResult], str]]:
    """Yield the group of matching people, if the site has the admin.

    Only staff who may see people get this group.
    """
    if not found.words or not request.user.is_staff or not may_see_people(request.user):
        return
    try:
        reverse("admin:people")
    except NoReverseMatch:  # a site without the admin
        return
    named = people(Filters(words=" ".join(found.words))).order_by(name_field())[:MOST_FOUND]
    finds = [SearchResult(str(one.pk), one.get_username(), full_name_of(one)) for one in named]
    yield "people", lazy("People"), finds, "admin:person"


def _pages(request: Visit, found: Search) -> Iterator[tuple[str, SearchResult]]:
    for name, title, detail in (*PAGES, *([ADMIN] if request.user.is_staff else [])):
        try:
            href = reverse(name)
        except NoReverseMatch:  # a site without the admin
            continue
        if found.fits(str(title), str(detail)):
            yield href, SearchResult(name, str(title), str(detail))


def _text_as_json(one: TextResult) -> dict[str, Any]:
    """Return a text that was found as JSON.

    Its snippet is divided into pieces; those that match the search are marked.
    """
    return {
        "href": one.href,
        "title": one.hit.title,
        "detail": str(one.kind),
        "at": one.hit.at.isoformat(),
        "show": "ago",
        "pieces": one.hit.pieces,
    }


def _as_json(group: ResultGroup) -> dict[str, Any]:
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
