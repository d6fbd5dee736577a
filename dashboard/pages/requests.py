"""Requests as pages, cards and forms; a POST of a form is an answer."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chat import services
from chat.access import answerable_requests, titles_for, visible_requests
from chat.left import is_snoozed_by
from chat.models import HumanRequest, Message
from chat.services import (
    AlreadyAnsweredError,
    AlreadyVotedError,
    ClaimedError,
    Inbound,
    LostFileError,
    NeedsReasonError,
    NotAskedError,
    NotConfirmedError,
    NotTheirsToUndoError,
    ProgramRefusedError,
    UnconfirmedAnswer,
    ValuesChangedError,
)
from dashboard.channels.page import Page
from dashboard.forms.answer import AnswerForm, form_of
from dashboard.live.cards import LONGEST_LIST
from dashboard.overview import listed_runs
from dashboard.overview.viewer import urgent_for_viewer, waiting_for_viewer
from dashboard.pages.marks import with_marks
from dashboard.pages.visit import Visit
from procedures.access import address_of, visible_runs
from procedures.engine.errors import AnswerError
from procedures.inputs import TooLargeError
from procedures.models.clock import clock
from procedures.services import TooLateError

REFUSALS: dict[type[Exception], int] = {
    AnswerError: 422,
    LostFileError: 422,
    NeedsReasonError: 422,
    AlreadyAnsweredError: 409,
    NotAskedError: 403,
    ProgramRefusedError: 403,
    TooLargeError: 413,
    AlreadyVotedError: 409,
    ClaimedError: 409,
    ValuesChangedError: 409,
}
SHOWN = re.compile("(?P<id>[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})(:(?P<version>[0-9]{1,9}))?")
MOST_SHOWN = 40
"""The maximum number of cards on an open page that are compared with the current requests."""


@require_safe
@login_required
@with_marks()
def request_detail(request: Visit, request_id: UUID) -> HttpResponse:
    """Show the page of a request, to which mails link: its question or, if closed, its outcome."""
    return _page(request, find(request, request_id))


@require_safe
@login_required
def request_form(request: Visit, request_id: UUID) -> HttpResponse:
    """Return the part of a request's card that isn't the same for all viewers, such as its buttons.

    Live frames contain only the other parts.
    """
    found = find(request, request_id)
    mine = answerable(request, [found])
    context = {"request": found, "answerable": mine, "typed_form": typed_form(request, found, mine)}
    return render(request, "chat/_request_form.html", context)


@require_POST
@login_required
def create_response(request: Visit, request_id: UUID) -> HttpResponse:
    """Answer the request; return a receipt, or the form with what was entered and its faults."""
    found = find(request, request_id)
    form = AnswerForm(found, request.POST, by=request.user)
    message, status, faults, armed, lost = "", 200, (), None, ""
    try:
        form = form_of(found, request.POST, request.FILES, by=request.user)
        if not form.is_no_answer:
            _receive(request, form)
    except NotConfirmedError as error:  # the button is armed: its next press counts
        status, armed = 422, UnconfirmedAnswer(found, error.value)
    except tuple(REFUSALS) as error:
        form = form.without_values() if isinstance(error, ValuesChangedError) else form
        message, status, faults = str(error), REFUSALS[type(error)], getattr(error, "faults", ())
        lost = getattr(error, "digest", "")
    found = find(request, request_id)
    context: dict[str, Any] = {
        "typed_form": replace(
            form, request=found, fault=message, faults=faults, armed=armed, lost=lost
        )
    }
    context |= {"feedback": message}
    if request.htmx:
        context |= {"request": found, "answerable": answerable(request, [found])}
        return render(request, "chat/_request.html", context | {"is_answer": True}, status=status)
    if message or armed or form.is_no_answer:
        return _page(request, found, status=status, **context)
    return redirect("countersign:request_detail", request_id)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def request_undo(request: Visit, request_id: UUID) -> HttpResponse:
    """Undo the person's own answer.

    A GET returns the undo button, or nothing if the answer can't be undone.
    """
    found = find(request, request_id)
    if request.method != "POST":
        button = {"request": found, "is_undoable": is_undoable(request, found)}
        return render(request, "chat/_undo.html", button)
    message, status = "", 200
    try:
        services.undo_response(found.pk, by=request.user)
    except (NotTheirsToUndoError, TooLateError) as error:
        message, status = str(error), 409
    found = find(request, request_id)
    mine = answerable(request, [found])
    form = typed_form(request, found, mine) or AnswerForm(found)
    context: dict[str, Any] = {"feedback": message, "typed_form": replace(form, fault=message)}
    if request.htmx:
        context |= {"request": found, "answerable": mine}
        return render(request, "chat/_request.html", context, status=status)
    if message:
        return _page(request, found, status=status, **context)
    return redirect("countersign:request_detail", request_id)


def typed_form(request: Visit, found: HumanRequest, mine: set[UUID]) -> AnswerForm | None:
    """Return the form with the person's draft.

    Return None if there is no draft, or if the person may not answer the request (it isn't in
    `mine`).
    """
    draft = services.draft_of(found.pk, by=request.user) if found.pk in mine else None
    if draft is None:
        return None
    typed = QueryDict(mutable=True)
    for name, texts in draft.plain_values.items():
        typed.setlist(name, texts)
    form = AnswerForm(found, typed, by=request.user, draft_version=draft.version)
    # Values typed before somebody changed them would be sent as if they were chosen now.
    return form if form.seen in (None, found.proposal) else form.without_values()


def is_undoable(request: Visit, found: HumanRequest) -> bool:
    """Return True if the person gave the answer that closed the request and can still undo it."""
    if found.effective_at is None or found.effective_at <= clock.now():
        return False
    counted = found.counted_responses
    return bool(counted) and counted[-1].user_id == request.user.pk


def _receive(request: Visit, form: AnswerForm) -> None:
    sent = Inbound(form, sender=request.user, request=form.request, address=address_of(request))
    services.receive(Page.name, sent)
    if form.asked.undo:
        services.keep_sent(form.request.pk, by=request.user, values=form.kept_values())
    else:
        services.drop_draft(form.request.pk, by=request.user)


@require_safe
@login_required
def waiting_list(request: Visit) -> HttpResponse:
    """Return cards of requests that wait for the person; an open page fetches them after a change.

    The page names the cards that it has in `shown`; these aren't sent again. If one of these
    requests is closed now, its receipt is returned.
    """
    return render(request, "chat/_waiting.html", waiting(request, request.GET.getlist("shown")))


@require_safe
@login_required
def run_questions(request: Visit, run_id: UUID) -> HttpResponse:
    """Return the same as `waiting_list`, but only for the requests of one run."""
    run = get_object_or_404(visible_runs(request.user), pk=run_id)
    shown = questions_of(request, run.pk, request.GET.getlist("shown"))
    return render(request, "chat/_waiting.html", shown)


def coming_after(request: Visit, found: HumanRequest) -> dict[str, Any]:
    """Return the state of a closed request's run, and the person's next open request."""
    [listed] = listed_runs([found.wait.run])
    next_ids = list(waiting_for_viewer(request))[:1]
    following = HumanRequest.objects.open().filter(pk__in=next_ids).first()
    return {"run_state": listed.state, "following": following}


def find(request: Visit, request_id: UUID) -> HumanRequest:
    requests = visible_requests(request.user).with_what_is_shown()
    return get_object_or_404(requests, pk=request_id)


def answerable(request: Visit, requests: list[HumanRequest]) -> set[UUID]:
    """Return the ids of those requests that the person may answer now."""
    ids = [found.pk for found in requests]
    return set(answerable_requests(request.user).filter(pk__in=ids).values_list("pk", flat=True))


def waiting(request: Visit, shown: list[str] | None = None) -> dict[str, Any]:
    """Return template variables with the requests that wait for the person, most urgent first.

    `shown` names the cards on the page, such as "ID:3"; closed ones among them get receipts.
    """
    place = _place(request.GET.get("from"))
    ids = urgent_for_viewer(request, place + LONGEST_LIST + 1)[place:]
    return _cards(request, ids, shown) | {"place": place, "next_place": place + LONGEST_LIST}


def questions_of(
    request: Visit, run_id: UUID, shown: Sequence[str] | None = None
) -> dict[str, Any]:
    """Return template variables with the requests of a run that wait for the person.

    `shown` names the cards on the page, as in `waiting`.
    """
    mine = answerable_requests(request.user).filter(wait__run=run_id).by_urgency()
    ids = list(mine.values_list("pk", flat=True)[: LONGEST_LIST + 1])
    return _cards(request, ids, shown)


def _cards(request: Visit, ids: Sequence[UUID], shown: Sequence[str] | None) -> dict[str, Any]:
    """Return template variables with the first of these requests, and receipts for closed ones.

    A request whose card the page has (`shown`) is left out, because drawing a card takes most of
    the time. But if its version has changed since, it is drawn again.
    """
    held = dict(_shown(shown or []))
    first = ids[:LONGEST_LIST]
    wanted = Q(pk__in=[one for one in first if one not in held])
    for one in first:
        if version := held.get(one):
            wanted |= Q(pk=one) & ~Q(version=version)
    open_ones = HumanRequest.objects.open().filter(wanted)
    requests = list(open_ones.with_what_is_shown().by_urgency())
    gone = held.keys() - {*ids}
    return {
        "waiting": requests,
        "has_more": len(ids) > LONGEST_LIST,
        "answerable": {found.pk for found in requests},
        **(_what_became_of(gone, request) if gone else {}),
    }


def _place(text: str | None) -> int:
    """Return the number of requests to skip; 0 if the text doesn't consist of 1 to 6 digits."""
    return int(text) if text and re.fullmatch("[0-9]{1,6}", text) else 0


def _what_became_of(gone: set[UUID], request: Visit) -> dict[str, Any]:
    """Return receipts for closed requests, and as `lost` the ids of those that no longer wait.

    `gone` are the ids of requests on the page that don't wait for the person now.
    """
    visible = visible_requests(request.user).with_what_is_shown().filter(pk__in=gone)
    receipts = [found for found in visible if not found.is_open]
    still_mine = answerable_requests(request.user).filter(pk__in=gone)
    still_mine = still_mine.filter(~is_snoozed_by(request.user, clock.moment()))
    kept = {found.pk for found in receipts} | set(still_mine.values_list("pk", flat=True))
    return {"receipts": receipts, "lost": gone - kept}


def _shown(texts: Sequence[str]) -> Iterator[tuple[UUID, int]]:
    """Yield the id and the version of each card from texts such as "ID:3".

    If a text is only "ID", the version is 0.
    """
    for text in texts[:MOST_SHOWN]:
        found = SHOWN.fullmatch(text)
        if found:
            yield UUID(found["id"]), int(found["version"] or 0)


def _page(
    request: Visit, found: HumanRequest, *, status: int = 200, **context: Any
) -> HttpResponse:
    message = get_object_or_404(Message.objects.for_transcript(), request=found)
    session, mine = message.session_id, answerable(request, [found])
    context = {"typed_form": typed_form(request, found, mine)} | context
    context |= {
        "message": message,
        "found": found,
        "answerable": mine,
        "is_undoable": is_undoable(request, found),
        "session_title": titles_for(request.user, [session]).get(session, ""),
        **({} if found.is_open else coming_after(request, found)),
    }
    return render(request, "chat/request.html", context, status=status)
