"""Chat sessions: the list, the transcript with its composer, and the lists beside it."""

import re
from collections.abc import Iterable
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Min, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from chat import services
from chat.access import (
    answerable_requests,
    messages_in,
    reads_all_of,
    titles_for,
    visible_messages,
    visible_requests,
    visible_sessions,
)
from chat.models import HumanRequest, HumanResponse, Message, Session
from chat.models.message import MessageQuerySet
from chat.models.request import HumanRequestQuerySet
from chat.services import Echo, MessageError, Reply
from dashboard.overview import listed_runs
from dashboard.pages.visit import Visit
from dashboard.templatetags.requests import said
from procedures import access
from procedures.engine.journal.events import RunStatus
from procedures.models import Artifact
from procedures.models.run_queries import values_of
from procedures.users import User, name_field

LONGEST_TRANSCRIPT = 100
LONGEST_LIST = 40
SHOWN_BELOW = 20
"""The number of messages shown below an older question that a link leads to."""
LONGEST_ECHO = 90
MOST_OTHERS = 20
MOST_BESIDE = 50
"""The most runs, requests and files listed beside a session, newest or most urgent first."""
WORKING = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.RETRYING)


@require_safe
@login_required
def session_list(request: Visit) -> HttpResponse:
    return render(request, "chat/sessions.html", sessions(request))


@require_safe
@login_required
def session_rows(request: Visit) -> HttpResponse:
    """Return only the list of sessions, for an open page that was told of a change."""
    return render(request, "chat/_sessions.html", sessions(request))


@require_safe
@login_required
def session_detail(request: Visit, session_id: UUID) -> HttpResponse:
    session = find(request, session_id)
    return _page(request, session, **composer(request, session))


@require_safe
@login_required
def session_beside(request: Visit, session_id: UUID) -> HttpResponse:
    session = find(request, session_id)
    context = {"session": session, **beside(request, session), **composer(request, session)}
    return render(request, "chat/_beside.html", context)


@require_safe
@login_required
def session_replying(request: Visit, session_id: UUID) -> HttpResponse:
    """Return the part of the composer that says what a typed message would be used for now."""
    return render(request, "chat/_replying.html", composer(request, find(request, session_id)))


@require_POST
@login_required
def create_message(request: Visit, session_id: UUID) -> HttpResponse:
    """Store the message, and use it as the answer if it replies to a question.

    If the text isn't one of the procedure author's own words for an answer, what it would mean is
    shown first, and nothing is stored yet.
    """
    session, text = find(request, session_id), request.POST.get("text", "")
    to, asked = _addressed(request, session)
    if echo := _echo(request, asked, text):
        return _posted(request, session, echo=echo, text=text, status=422)
    key = request.POST.get("client_key", "")[:64]
    try:
        message = services.post_message(session, text, by=request.user, client_key=key, reply_to=to)
    except MessageError as error:
        return _posted(request, session, told=str(error), text=text, status=422)
    reply = _reply(request, asked, message.text) if asked else None
    # Read again, after the reply: the answer may have changed what the message shows.
    sent = session.messages.for_transcript().get(pk=message.pk)
    return _posted(request, session, told=told(reply), sent=sent)


def find(request: Visit, session_id: UUID) -> Session:
    return get_object_or_404(visible_sessions(request.user), pk=session_id)


def sessions(request: Visit) -> dict[str, Any]:
    """Return the sessions the person may see, most recently changed first."""
    rows = list(
        visible_messages(request.user)
        .newest_in_session()
        .older_than(_id(request.GET.get("older")))
        .select_related("session", "author", "request", "run__procedure")
        .defer("request__question", *values_of("run"))[: LONGEST_LIST + 1]
    )
    shown = rows[:LONGEST_LIST]
    ids = [row.session_id for row in shown]
    seen = access.is_visible(request.user, "run")
    cards = Message.objects.cards().filter(seen, session__in=ids, run__status__in=WORKING)
    return {
        "rows": shown,
        "titles": titles_for(request.user, ids),
        "older": shown[-1].pk if len(rows) > LONGEST_LIST else None,
        "waiting_sessions": _sessions_of(answerable_requests(request.user).filter(session__in=ids)),
        "working_sessions": _sessions_of(cards),
        "current": _id(request.GET.get("current")),
    }


def transcript(request: Visit, session: Session) -> dict[str, Any]:
    """Return the last messages of the session, or those before a given message."""
    seen = messages_in(session, request.user)
    before = _number(request.GET.get("before")) or _below(seen, request.GET.get("request"))
    newest_first = seen.for_transcript().above(before).order_by("-seq")
    found = list(newest_first[: LONGEST_TRANSCRIPT + 1])
    shown = found[:LONGEST_TRANSCRIPT][::-1]
    return {
        "session": session,
        "title": titles_for(request.user, [session.pk]).get(session.pk, ""),
        "current": session.pk,
        "transcript": shown,
        "earlier": shown[0].seq if len(found) > LONGEST_TRANSCRIPT else None,
        "is_latest": before is None,
    }


def _below(seen: MessageQuerySet, request_id: str | None) -> int | None:
    """Return the place that ends a transcript around the question; None for the newest page."""
    asked = seen.filter(request=_id(request_id)).first() if _id(request_id) else None
    later = seen.filter(seq__gt=asked.seq).order_by("seq") if asked else seen.none()
    places = list(later.values_list("seq", flat=True)[:LONGEST_TRANSCRIPT])
    return places[SHOWN_BELOW] if len(places) == LONGEST_TRANSCRIPT else None


def composer(request: Visit, session: Session) -> dict[str, Any]:
    """Return what a typed message can be used for, and a key that prevents storing it twice."""
    waiting = list(open_requests(request, session)[: MOST_BESIDE + 1])
    answerable = {found.pk for found in waiting}
    if len(waiting) > MOST_BESIDE:
        mine = answerable_requests(request.user).filter(session=session)
        answerable = set(mine.values_list("pk", flat=True))
    return {
        "session": session,
        "replying": waiting[:MOST_BESIDE],
        "waiting_count": len(answerable),
        "others": [
            *_questions_of_others(request, session, answerable),
            *_writers(request, session),
        ],
        "answerable": answerable,
        "client_key": uuid4(),
    }


def _questions_of_others(
    request: Visit, session: Session, answerable: set[UUID]
) -> list[tuple[UUID, str]]:
    """Return message id and label of each open question the viewer can discuss but not answer."""
    asked = visible_requests(request.user).open().filter(session=session).exclude(pk__in=answerable)
    cards = Message.objects.filter(request__in=asked[:MOST_OTHERS]).order_by("seq")
    return [
        (pk, _("About “{prompt}”").format(prompt=Truncator(prompt).chars(LONGEST_ECHO)))
        for pk, prompt in cards.values_list("pk", "request__prompt")
    ]


def _writers(request: Visit, session: Session) -> list[tuple[UUID, str]]:
    """Return the last message of each writer who isn't a member and sees only replies to them."""
    seen = messages_in(session, request.user).filter(kind=Message.Kind.PERSON)
    others = seen.exclude(author=request.user).exclude(author__in=session.members.values("user"))
    last = dict(others.order_by("seq").values_list(f"author__{name_field()}", "pk"))
    return [(pk, _("To {name}").format(name=name)) for name, pk in last.items()][:MOST_OTHERS]


def open_requests(request: Visit, session: Session) -> HumanRequestQuerySet:
    found = answerable_requests(request.user).filter(session=session)
    return found.with_what_is_shown().by_urgency()


def beside(request: Visit, session: Session) -> dict[str, Any]:
    """Return the runs, requests, files and people of the session that the viewer may see."""
    user = request.user
    cards = session.messages.cards()
    runs = access.visible_runs(user).filter(pk__in=cards.values("run"))
    asked = visible_requests(user).open().filter(session=session)
    shown = asked.with_what_is_shown().defer("question").by_urgency()
    files = Artifact.objects.filter(run__in=runs).order_by("-pk")
    return {
        "runs": listed_runs(runs.for_lists().order_by("-pk")[:MOST_BESIDE]),
        "open_requests": shown[:MOST_BESIDE],
        "files": files[:MOST_BESIDE],
        "people": people(session, user)[:MOST_BESIDE],
        "counts": {"runs": runs.count(), "files": files.count(), "open_requests": asked.count()},
        "most": MOST_BESIDE,
    }


def people(session: Session, user: User) -> list[tuple[str, datetime]]:
    """Return the people who took part in what the viewer sees, each with the time they began."""
    answers = HumanResponse.objects.filter(
        access.is_visible(user, "request__wait__run"), request__session=session
    )
    came = [
        *_firsts(messages_in(session, user).exclude(author=None), f"author__{name_field()}"),
        *_firsts(answers, f"user__{name_field()}"),
    ]
    if reads_all_of(user, [session.pk]):
        came += session.members.values_list(f"user__{name_field()}", "joined_at")
    latest_first = sorted(came, key=itemgetter(1), reverse=True)
    return sorted(dict(latest_first).items(), key=itemgetter(1))


def told(reply: Reply | None) -> str:
    """Return a sentence about how a message was used as an answer; "" if it wasn't meant as one."""
    if reply is None:
        return ""
    prompt = Truncator(reply.request.prompt).chars(LONGEST_ECHO)
    if reply.response is None:
        words = _("Your message didn't answer “{prompt}”. {reason}")
        return words.format(prompt=prompt, reason=reply.reason)
    words = said(reply.request.asked, reply.response.plain_value)
    answer = Truncator(words).chars(LONGEST_ECHO)
    return _("Your message answered “{prompt}”: {answer}").format(prompt=prompt, answer=answer)


def _addressed(request: Visit, session: Session) -> tuple[Message | None, HumanRequest | None]:
    """Return the message or question that the sender chose to reply to, if any.

    It is used even if other questions are open by now. Raises 404 if the sender may not see it.
    """
    named = _id(request.POST.get("request"))
    if named is None:
        return None, None
    seen = messages_in(session, request.user).select_related("request__wait")
    message = get_object_or_404(seen, Q(pk=named) | Q(request=named))
    return message, message.request if message.request_id == named else None


def _echo(request: Visit, asked: HumanRequest | None, text: str) -> Echo | None:
    confirmed = request.POST.get("confirms", "")
    if asked is None:
        return None
    return services.echo_of(asked, text, by=request.user, confirmed=confirmed)


def _reply(request: Visit, asked: HumanRequest, text: str) -> Reply:
    address = request.META.get("REMOTE_ADDR") or None
    return services.reply(asked, text, by=request.user, address=address)


def _posted(
    request: Visit, session: Session, *, status: int = 200, told: str = "", **more: Any
) -> HttpResponse:
    """Return the composer with the outcome of a post; `more` can have `sent`, `text` or `echo`."""
    context = {**composer(request, session), "told": told, **more}
    if echo := more.get("echo"):
        context["chosen"] = echo.request.pk
    if request.htmx:
        return render(request, "chat/_composer.html", context, status=status)
    if echo:
        return _page(request, session, status=status, **context)
    if told:
        messages.info(request, told)
    return redirect(f"{reverse('countersign:session_detail', args=[session.pk])}#latest")


def _page(request: Visit, session: Session, /, *, status: int = 200, **more: Any) -> HttpResponse:
    context = sessions(request) | transcript(request, session) | beside(request, session)
    return render(request, "chat/session.html", context | more, status=status)


def _firsts(rows: QuerySet[Any], name: str) -> Iterable[tuple[str, datetime]]:
    """Return each name with the time of its earliest row."""
    firsts: Iterable[tuple[str, datetime]] = rows.order_by().values_list(name).annotate(Min("at"))
    return firsts


def _sessions_of(rows: QuerySet[Any]) -> set[UUID]:
    return set(rows.values_list("session", flat=True))


def _number(text: str | None) -> int | None:
    """Return a place in a transcript, or None if the text isn't a number of at most 18 digits."""
    return int(text) if text and re.fullmatch("[0-9]{1,18}", text) else None


def _id(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
