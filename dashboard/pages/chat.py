"""Chat sessions: the list, the transcript with its composer, and what stands beside it."""

import re
from collections.abc import Iterable
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Min, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.text import Truncator
from django.views.decorators.http import require_POST, require_safe

from chat import services
from chat.access import answerable_requests, visible_sessions
from chat.models import HumanRequest, HumanResponse, Message, Session
from chat.models.request import HumanRequestQuerySet
from chat.services import MessageError, Reply
from dashboard.pages.visit import Visit
from dashboard.templatetags.requests import said
from procedures.engine.journal import RunStatus
from procedures.models import Artifact, Run
from procedures.models.run import values_of
from procedures.overview import listed_runs

LONGEST_TRANSCRIPT = 100
LONGEST_LIST = 40
LONGEST_ECHO = 90
WORKING = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.RETRYING)


@require_safe
@login_required
def session_list(request: Visit) -> HttpResponse:
    return render(request, "chat/sessions.html", sessions(request))


@require_safe
@login_required
def session_rows(request: Visit) -> HttpResponse:
    """The list alone, for a page that heard the doorbell."""
    return render(request, "chat/_sessions.html", sessions(request))


@require_safe
@login_required
def session_detail(request: Visit, session_id: UUID) -> HttpResponse:
    session = find(request, session_id)
    context = sessions(request) | transcript(request, session) | beside(session)
    return render(request, "chat/session.html", context | composer(request, session))


@require_safe
@login_required
def session_beside(request: Visit, session_id: UUID) -> HttpResponse:
    session = find(request, session_id)
    context = {"session": session, **beside(session), **composer(request, session)}
    return render(request, "chat/_beside.html", context)


@require_safe
@login_required
def session_replying(request: Visit, session_id: UUID) -> HttpResponse:
    """What typing means now."""
    return render(request, "chat/_replying.html", composer(request, find(request, session_id)))


@require_POST
@login_required
def create_message(request: Visit, session_id: UUID) -> HttpResponse:
    """Keep what was said; where it was meant as an answer, answer with it."""
    session, text = find(request, session_id), request.POST.get("text", "")
    key, asked = request.POST.get("client_key", "")[:64], _asked(request, session)
    try:
        message = services.post_message(session, text, by=request.user, client_key=key)
    except MessageError as error:
        return _posted(request, session, told=str(error), text=text, status=422)
    reply = _reply(request, asked, message.text) if asked else None
    sent = session.messages.for_transcript().get(pk=message.pk)
    return _posted(request, session, told=told(reply), sent=sent)


def find(request: Visit, session_id: UUID) -> Session:
    return get_object_or_404(visible_sessions(request.user), pk=session_id)


def sessions(request: Visit) -> dict[str, Any]:
    """The sessions somebody sees, those with the latest news first."""
    newest = Message.objects.filter(session__in=visible_sessions(request.user))
    rows = list(
        newest.newest_in_session()
        .older_than(_id(request.GET.get("older")))
        .select_related("session", "author", "request", "run__procedure")
        .defer("request__question", *values_of("run"))[: LONGEST_LIST + 1]
    )
    shown = rows[:LONGEST_LIST]
    ids = [row.session_id for row in shown]
    cards = Message.objects.cards().filter(session__in=ids, run__status__in=WORKING)
    return {
        "rows": shown,
        "older": shown[-1].pk if len(rows) > LONGEST_LIST else None,
        "waiting_sessions": _sessions_of(answerable_requests(request.user).filter(session__in=ids)),
        "working_sessions": _sessions_of(cards),
        "current": _id(request.GET.get("current")),
    }


def transcript(request: Visit, session: Session) -> dict[str, Any]:
    """The last messages, or those before one of them."""
    before = _number(request.GET.get("before"))
    newest_first = session.messages.for_transcript().above(before).order_by("-seq")
    found = list(newest_first[: LONGEST_TRANSCRIPT + 1])
    shown = found[:LONGEST_TRANSCRIPT][::-1]
    return {
        "session": session,
        "current": session.pk,
        "transcript": shown,
        "earlier": shown[0].seq if len(found) > LONGEST_TRANSCRIPT else None,
        "is_latest": before is None,
    }


def composer(request: Visit, session: Session) -> dict[str, Any]:
    """What typing means, and a key under which the next message is kept once."""
    waiting = list(open_requests(request, session))
    return {
        "session": session,
        "replying": waiting,
        "answerable": {found.pk for found in waiting},
        "client_key": uuid4(),
    }


def open_requests(request: Visit, session: Session) -> HumanRequestQuerySet:
    found = answerable_requests(request.user).filter(session=session)
    return found.with_what_is_shown().by_urgency()


def beside(session: Session) -> dict[str, Any]:
    runs = Run.objects.filter(pk__in=session.messages.cards().values("run"))
    return {
        "runs": listed_runs(runs.for_lists().order_by("-pk")),
        "open_requests": session.requests.open().with_what_is_shown().by_urgency(),
        "files": Artifact.objects.filter(run__in=runs).order_by("-pk"),
        "people": people(session),
    }


def people(session: Session) -> list[tuple[str, datetime]]:
    """Everybody who has a part in a session, also by an answer alone, and since when."""
    answers = HumanResponse.objects.filter(request__session=session)
    came = [
        *session.members.values_list("user__username", "joined_at"),
        *_firsts(session.messages.exclude(author=None), "author__username"),
        *_firsts(answers, "user__username"),
    ]
    latest_first = sorted(came, key=itemgetter(1), reverse=True)
    return sorted(dict(latest_first).items(), key=itemgetter(1))


def told(reply: Reply | None) -> str:
    """What became of the words, when they were meant as an answer."""
    if reply is None:
        return ""
    if reply.response is None:
        return f"This did not answer “{reply.request.prompt}” {reply.reason}"
    words = said(reply.request.asked, reply.response.plain_value)
    return f"This answered “{reply.request.prompt}”: {Truncator(words).chars(LONGEST_ECHO)}"


def _asked(request: Visit, session: Session) -> HumanRequest | None:
    """The very question that the composer named, whatever is open by now."""
    request_id = _id(request.POST.get("request"))
    return get_object_or_404(session.requests, pk=request_id) if request_id else None


def _reply(request: Visit, asked: HumanRequest, text: str) -> Reply:
    address = request.META.get("REMOTE_ADDR") or None
    return services.reply(asked, text, by=request.user, address=address)


def _posted(
    request: Visit,
    session: Session,
    *,
    told: str,
    sent: Message | None = None,
    text: str = "",
    status: int = 200,
) -> HttpResponse:
    if request.htmx:
        context = {"told": told, "sent": sent, "text": text, **composer(request, session)}
        return render(request, "chat/_composer.html", context, status=status)
    if told:
        messages.info(request, told)
    return redirect(f"{reverse('session_detail', args=[session.pk])}#latest")


def _firsts(rows: QuerySet[Any], name: str) -> Iterable[tuple[str, datetime]]:
    """Each name with the time of its first row."""
    firsts: Iterable[tuple[str, datetime]] = rows.order_by().values_list(name).annotate(Min("at"))
    return firsts


def _sessions_of(rows: QuerySet[Any]) -> set[UUID]:
    return set(rows.values_list("session", flat=True))


def _number(text: str | None) -> int | None:
    """A place in a transcript, small enough for a database."""
    return int(text) if text and re.fullmatch("[0-9]{1,18}", text) else None


def _id(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
