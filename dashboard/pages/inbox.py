"""The inbox: lists of the requests that wait for a person, and one request beside them."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from chat import services
from chat.access import visible_requests
from chat.services import AlreadyAnsweredError, NotAskedError
from dashboard.forms.snoozing import snooze_time
from dashboard.http.addresses import is_here
from dashboard.overview.usual import usual_after
from dashboard.pages.inbox_list import DUES, KINDS, RISKS, View
from dashboard.pages.marks import with_marks
from dashboard.pages.parameters import id_in
from dashboard.pages.requests import answerable, find, is_undoable, typed_form
from dashboard.pages.visit import Visit
from procedures.access import address_of
from procedures.engine.errors import InputError
from procedures.models.clock import clock
from procedures.models.run_queries import values_of
from procedures.services import OperationRefusedError


@require_safe
@login_required
@with_marks()
def inbox(request: Visit) -> HttpResponse:
    """Return the page of the inbox, with the chosen request or else the first one of the list."""
    view = View(request, request.GET)
    chosen = id_in(request.GET.get("request"))
    context = view.listed() | view.chosen(chosen)
    context |= {
        "kinds": KINDS.items(),
        "dues": DUES.items(),
        "risks": RISKS.items(),
        "is_chosen": chosen is not None,
        "current": context["chosen"] and context["chosen"].pk,
    }
    return render(request, "inbox/inbox.html", context)


@require_safe
@login_required
def inbox_rows(request: Visit) -> HttpResponse:
    """Return the tabs and the list; an open page fetches them after a change.

    If the request beside the list (`shown`) has changed, its card is returned, too.
    """
    view = View(request, request.GET)
    context = view.listed()
    shown, version = id_in(request.GET.get("shown")), request.GET.get("version", "")
    if shown:
        context |= _changed(request, shown, version)
    context["current"] = shown
    return render(request, "inbox/_changes.html", context)


def _changed(request: Visit, shown: UUID, version: str) -> dict[str, Any]:
    """Return template variables for the card of the request `shown`, if it has changed, else {}.

    If the person can't see or answer the request any more, return its id under "lost".
    """
    found = visible_requests(request.user).with_what_is_shown().filter(pk=shown).first()
    if found is None:
        return {"lost": [shown]}
    if found.is_open and str(found.version) == version:
        return {}
    mine = answerable(request, [found])
    if found.is_open and found.pk not in mine and not found.asks(request.user):
        return {"lost": [shown]}
    return {
        "card": found,
        "answerable": mine,
        "typed_form": typed_form(request, found, mine),
        "is_undoable": is_undoable(request, found),
    }


@require_safe
@login_required
def inbox_request(request: Visit, request_id: UUID | None = None) -> HttpResponse:
    """Return a request for the place beside the list, by default the first one of the list.

    `last` in the URL is the id of the request that the person has just answered; its outcome is
    shown above the new one.
    """
    view = View(request, request.GET)
    context = view.chosen(request_id)
    if last := id_in(request.GET.get("last")):
        done = visible_requests(request.user).with_what_is_shown().filter(pk=last).first()
        context |= {"last": done, "last_is_undoable": done and is_undoable(request, done)}
    return render(request, "inbox/_pane.html", context)


@require_safe
@login_required
def request_usual(request: Visit, request_id: UUID) -> HttpResponse:
    """Return a sentence about the steps that usually follow an answer, or nothing if none do."""
    visible = visible_requests(request.user).select_related("wait__run")
    found = get_object_or_404(visible.defer("question", *values_of("wait__run")), pk=request_id)
    return render(request, "inbox/_usual.html", {"usual": usual_after(found)})


@require_POST
@login_required
def request_seen(request: Visit, request_id: UUID) -> HttpResponse:
    """Record that the person has opened the request."""
    found = find(request, request_id)
    try:
        services.note_seen(found.pk, by=request.user, channel="page", address=address_of(request))
    except AlreadyAnsweredError:
        return HttpResponse(status=204)
    return HttpResponse(status=204)


@require_POST
@login_required
def request_snooze(request: Visit, request_id: UUID) -> HttpResponse:
    """Snooze the request until a time; with `until=now`, end the snooze."""
    found, chosen = find(request, request_id), request.POST.get("until", "")
    if chosen == "now":
        services.wake_request(found.pk, by=request.user)
        return _back(request)
    try:
        until = snooze_time(chosen, clock.now())
        services.snooze_request(found.pk, by=request.user, until=until)
    except (NotAskedError, AlreadyAnsweredError, InputError) as error:
        return HttpResponse(str(error), status=409, content_type="text/plain; charset=utf-8")
    return _back(request)


@require_POST
@login_required
def request_claim(request: Visit, request_id: UUID) -> HttpResponse:
    """Claim the request for the person; with `release`, release the claim."""
    found = find(request, request_id)
    try:
        if "release" in request.POST:
            services.release_request(found.pk, by=request.user)
        else:
            services.claim_request(found.pk, by=request.user)
    except (NotAskedError, AlreadyAnsweredError, OperationRefusedError) as error:
        return HttpResponse(str(error), status=409, content_type="text/plain; charset=utf-8")
    return _back(request)


def _back(request: Visit) -> HttpResponse:
    """Redirect to the page from which the form was sent; for htmx, return an empty response."""
    if request.htmx:
        return HttpResponse(status=204)
    back = request.POST.get("back", "")
    if not is_here(request, back):
        back = reverse("countersign:inbox")
    return redirect(back)
