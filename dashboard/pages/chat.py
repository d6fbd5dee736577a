"""Chat sessions: their list, and one session's transcript with its composer and lists beside it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_POST, require_safe

from chat import services
from chat.access import AccessCache, answerable_requests, titles_for
from chat.feed import heads_in, newest_messages
from chat.mentions import unreached
from chat.models import HumanRequest, Message, Session
from chat.parts import SessionPart, find_part
from chat.services import MessageError, MessageKeyError, NotMemberError, Reply, UnconfirmedAnswer
from chat.unread import followed, mark_read
from dashboard.forms.attached import attached_files
from dashboard.forms.commands import Command, command_in, unescaped
from dashboard.overview.cards import listed_from
from dashboard.overview.viewer import answerable_for_viewer, time_for_viewer
from dashboard.pages.beside import beside
from dashboard.pages.commands import CommandResult, Commands, UnclearCommand
from dashboard.pages.listeners import CHOOSE, WORKING, listeners_of, newest_runs, stoppable
from dashboard.pages.marks import with_marks
from dashboard.pages.mentions import unseen_words
from dashboard.pages.parameters import id_in
from dashboard.pages.questions import LONGEST_ECHO, questions_for
from dashboard.pages.reading import reading
from dashboard.pages.taking_part import MOST_BESIDE, ReadSession, participants_of, writers_of
from dashboard.pages.transcripts import folds_in, transcript
from dashboard.pages.visit import Visit
from dashboard.templatetags.requests import meaning_of
from procedures.access import address_of
from procedures.run_lists import MOST_COUNTED
from procedures.users import User

LONGEST_LIST = 40
NOTHING = "nothing"
"""The value of the composer's choice if a message replies to nothing."""
MOST_UNINVITED = 5
"""The maximum number of people that the author of a message is offered to invite.

These people are mentioned in the message and can't read it.
"""
KEY_USED = lazy("This form has already sent another message. To send this one too, send it again.")
LONGEST_ADDRESS = 1000
"""The maximum number of characters of a command that a redirect puts into a page's address.

For a longer command, the page is returned without a redirect.
"""


@require_safe
@login_required
@with_marks()
def session_list(request: Visit) -> HttpResponse:
    return render(request, "chat/sessions.html", sessions(request))


@require_safe
@login_required
def session_rows(request: Visit) -> HttpResponse:
    """Return the list of sessions alone; an open page fetches it after a change."""
    return render(request, "chat/_sessions.html", sessions(request))


@require_safe
@login_required
@with_marks()
def session_detail(request: Visit, session_id: UUID) -> HttpResponse:
    part = find(request, session_id)
    commands = Commands(request, part)
    shown = commands.answer_to(request.GET.get("command", ""))
    more = commands.context_of(shown) if isinstance(shown, CommandResult) else {}
    return session_page(request, part, **more)


@require_safe
@login_required
def session_beside(request: Visit, session_id: UUID) -> HttpResponse:
    part = find(request, session_id)
    lists = beside(part)
    more = composer(part, shown=[found.pk for found in lists["open_requests"]], lists=lists)
    return render(request, "chat/_beside.html", lists | more)


@require_safe
@login_required
def session_replying(request: Visit, session_id: UUID) -> HttpResponse:
    """Return the part of the composer where people choose what a message replies to."""
    return render(request, "chat/_replying.html", composer(find(request, session_id)))


@require_POST
@login_required
def create_message(request: Visit, session_id: UUID) -> HttpResponse:
    """Store the message; if it replies to a question, use it as the answer.

    A command isn't stored; the page shows its form or its result. If a reply doesn't have the exact
    words of an answer, the page first shows which answer would be given. The reply is stored once
    the sender sends it again.
    """
    part, typed = find(request, session_id), request.POST.get("text", "")
    session, request.attached = part.session, attached_files(request, part)
    verbatim = typed if _is_verbatim(request, typed) else ""
    if not verbatim and (answered := _answer_command(request, part, typed)):
        return answered
    text = verbatim or unescaped(typed)
    to, asked = _addressed(request, part)
    if why := request.attached.fault or _why_unsent(request, asked):
        return _posted(request, part, feedback=why, text=typed, verbatim=verbatim, status=422)
    asks_back = bool(request.POST.get("asks_back"))
    if not asks_back and (echo := _echo(request, asked, text)):
        return _posted(request, part, echo=echo, text=typed, verbatim=verbatim, status=422)
    key = request.POST.get("client_key", "").replace("\0", "")[:64]
    try:
        message = services.post_message(
            session,
            text,
            by=request.user,
            client_key=key,
            reply_to=to,
            steers=bool(request.POST.get("steers")),
            files=services.sent_message_files(session, request.attached.tokens, by=request.user),
        )
    except NotMemberError as error:
        raise PermissionDenied from error
    except MessageError as error:
        # The form is shown again with a new key.
        why = str(KEY_USED) if isinstance(error, MessageKeyError) else str(error)
        return _posted(request, part, feedback=why, text=typed, verbatim=verbatim, status=422)
    reply = None
    if asked and message.text:
        reply = _reply(request, asked, message.text, asks_back=asks_back)
    mark_read(session.pk, by=request.user, seq=message.seq)
    # Read again, after the reply: the answer may have changed what the message shows.
    sent = session.messages.for_transcript().get(pk=message.pk)
    unseen = unreached(message) if "@" in message.text else []
    words = reply_feedback(reply) or _unheard(to, message, request.user) or unseen_words(unseen)
    # After a message to one of several runs, that run stays chosen.
    chosen = to.run_id if to and message.delivery else None
    # People who may read a whole session may invite: members, and superusers to public ones.
    uninvited = unseen[:MOST_UNINVITED] if part.is_whole else []
    return _posted(request, part, feedback=words, sent=sent, chosen=chosen, uninvited=uninvited)


def _is_verbatim(request: Visit, text: str) -> bool:
    """Return True if a text that looks like a command is to be sent as a message.

    The sender decides this with a button. If the page is shown again, it repeats this decision for
    the same text only.
    """
    return bool(request.POST.get("as_text")) or request.POST.get("verbatim", "") == text != ""


def _answer_command(request: Visit, part: SessionPart, text: str) -> HttpResponse | None:
    """Return a page with the result of a command, or with a question if the command is unclear.

    Return None if the text isn't a command.
    """
    commands = Commands(request, part)
    instead, typed = request.POST.get("instead", ""), command_in(text)
    if instead and typed:
        text = Command(instead, typed.words).text
    shown = commands.answer_to(text)
    if shown is None:
        return None
    if isinstance(shown, UnclearCommand):
        return _posted(request, part, unclear=shown, text=text, status=422)
    context = commands.context_of(shown)
    if request.htmx:
        context |= _choice(request)
        return render(request, "chat/_commanded.html", composer(part) | context)
    if len(shown.text) > LONGEST_ADDRESS:
        return session_page(request, part, **context, **_choice(request))
    # Redirected, so that a reload sends nothing again and shows the same form.
    address = reverse("countersign:session_detail", args=[part.session.pk])
    return redirect(f"{address}?{urlencode({'command': shown.text})}#command")


def find(request: Visit, session_id: UUID) -> SessionPart:
    """Return the part of a session that the viewer may read.

    Raises 404 if the viewer may read nothing of the session.
    """
    part = find_part(request.user, session_id)
    if part is None:
        raise Http404
    return part


def sessions(request: Visit, part: SessionPart | None = None) -> dict[str, Any]:
    """Return the sessions that the person may see, the most recently changed first.

    The result also contains their titles, and that of the session whose `part` the page shows.
    """
    user, before = request.user, id_in(request.GET.get("older"))
    sight = AccessCache(user, runs=part.runs if part else ())
    rows = newest_messages(user, before=before, most=LONGEST_LIST + 1, sight=sight)
    shown = rows[:LONGEST_LIST]
    ids = [row.session_id for row in shown]
    titled = {*ids, *([part.session.pk] if part else [])}
    return {
        "rows": shown,
        "titles": titles_for(user, titled, sight=sight, heads=heads_in(shown)),
        "older": shown[-1].pk if len(rows) > LONGEST_LIST else None,
        "waiting_sessions": _waiting(request, ids),
        "working_sessions": _working(sight, ids),
        "followed": followed(user, titled, sight),
        "current": id_in(request.GET.get("current")),
    }


def _waiting(request: Visit, ids: list[UUID]) -> set[UUID]:
    """Return the ids of those sessions with a request that the viewer may answer now."""
    known = answerable_for_viewer(request)
    if known is not None:
        return set(known.values())
    waiting = answerable_requests(request.user).filter(session=OuterRef("pk"))
    return _keys(Session.objects.filter(Exists(waiting), pk__in=ids))


def _working(sight: AccessCache, ids: list[UUID]) -> set[UUID]:
    """Return the ids of those sessions with an active run that the viewer may see."""
    cards = Message.objects.cards().filter(session__in=ids, run__status__in=WORKING)
    found = dict(cards.order_by().values_list("run", "session"))
    return {found[run] for run in sight.runs(found)}


def _unheard(to: Message | None, message: Message, user: User) -> str:
    """Return why a run won't read a message that replies to it; "" if the run will read it."""
    run = services.run_addressed(to)
    return services.why_unheard(run, user) if run and not message.delivery else ""


def composer(
    part: SessionPart,
    *,
    shown: Iterable[UUID | None] = (),
    lists: Mapping[str, Any] | None = None,
    known: Collection[UUID] | None = None,
) -> dict[str, Any]:
    """Return the context of the composer, with what a message can answer or reply to.

    The context has a unique key, with which a message that is sent twice is stored once. `shown`
    contains the ids of requests on the page; those that the viewer may answer are marked. `lists`
    is the result of `beside`, and `known` that of `answerable_for_viewer`. What is missing is read.
    """
    opened: Sequence[HumanRequest] | None = lists["open_requests"] if lists else None
    runs = [one.run for one in lists["runs"]] if lists else newest_runs(part)
    writers = (
        lists["writers"]
        if lists
        else writers_of(part, participants_of(part, ReadSession()), ReadSession())
    )
    mine = answerable_requests(part.user).filter(session=part.session)
    waiting, others = questions_for(part, mine, opened, known)
    answerable = {found.pk for found in waiting}
    if len(waiting) > MOST_COUNTED:
        answerable |= _keys(mine.filter(pk__in=[one for one in shown if one]))
    return {
        "session": part.session,
        "replying": waiting[:MOST_BESIDE],
        "may_ask_back": any(found.asked.ask_back for found in waiting[:MOST_BESIDE]),
        "waiting_count": len(waiting),
        "others": [*others, *writers],
        **listeners_of(part, runs),
        "stoppable": partial(stoppable, part.user, runs),  # asked only where the button is drawn
        "answerable": answerable,
        "client_key": uuid4(),
    }


def reply_feedback(reply: Reply | None) -> str:
    """Return a sentence about the answer that a message gave; "" if the message was no reply."""
    if reply is None:
        return ""
    prompt = Truncator(reply.request.prompt).chars(LONGEST_ECHO)
    if reply.response is None:
        words = _("Your message didn't answer “{prompt}”. {reason}")
        return words.format(prompt=prompt, reason=reply.reason)
    if reply.response.asks_back:
        return _("You sent “{prompt}” back.").format(prompt=prompt)
    words = meaning_of(reply.request.asked, reply.response.plain_value)
    answer = Truncator(words).chars(LONGEST_ECHO)
    return _("Your message answered “{prompt}”: {answer}").format(prompt=prompt, answer=answer)


def _addressed(request: Visit, part: SessionPart) -> tuple[Message | None, HumanRequest | None]:
    """Return the message to which the sender replies, and its request if the message is a question.

    The sender has chosen this message; questions that have opened since don't matter. Raises 404 if
    the sender may not see the message.
    """
    try:
        return part.find_addressed(id_in(request.POST.get("request")))
    except Message.DoesNotExist:
        raise Http404 from None


def _echo(request: Visit, asked: HumanRequest | None, text: str) -> UnconfirmedAnswer | None:
    confirmed = request.POST.get("confirms", "")
    if asked is None:
        return None
    return services.echo_of(asked, text, by=request.user, confirmed=confirmed)


def _reply(request: Visit, asked: HumanRequest, text: str, *, asks_back: bool) -> Reply:
    who: Any = {"by": request.user, "address": address_of(request)}
    return services.reply(asked, text, asks_back=asks_back, **who)


def _why_unsent(request: Visit, asked: HumanRequest | None) -> str:
    """Return what the sender must choose before the message can be sent; "" if nothing."""
    if request.POST.get("request") == CHOOSE:
        return _("Several runs read messages here. Choose the run that reads yours, then send it.")
    if not request.POST.get("asks_back"):
        return ""
    if asked is None:
        return _("Choose the request that you want to send back. Nothing was sent.")
    if not asked.asked.ask_back:
        return _("This request can't be sent back. Nothing was sent.")
    return ""


def _posted(
    request: Visit, part: SessionPart, *, status: int = 200, feedback: str = "", **more: Any
) -> HttpResponse:
    """Return the composer after a POST; if htmx hasn't sent the request, redirect or return a page.

    `more` contains further variables for the template, such as the sent message, or the text to
    send again.
    """
    context = {"feedback": feedback, **more}
    if status != HTTPStatus.OK:
        context |= _choice(request)
    if request.htmx:
        context = composer(part) | context
        return render(request, "chat/_composer.html", context, status=status)
    if status != HTTPStatus.OK:
        # With what was typed, which a redirect would lose.
        return session_page(request, part, status=status, **context)
    if feedback:
        messages.info(request, feedback)
    return redirect(f"{reverse('countersign:session_detail', args=[part.session.pk])}#latest")


def _choice(request: Visit) -> dict[str, Any]:
    """Return what the sender has chosen in the composer, and the files of the message.

    If a message wasn't sent, the composer is shown again with this choice. Otherwise, the same text
    could become the answer to another request.
    """
    named = request.POST.get("request", "")
    return {
        "chosen": id_in(named) or (named if named == CHOOSE else NOTHING),
        "asks_back": bool(request.POST.get("asks_back")),
        "attached": request.attached.files,
    }


def session_page(
    request: Visit, part: SessionPart, /, *, status: int = 200, **more: Any
) -> HttpResponse:
    """Return the whole page of a session; `more` contains further variables for its templates."""
    context = sessions(request, part) | transcript(request, part)
    is_all = context["is_latest"] and context["earlier"] is None
    read = ReadSession(context["transcript"], is_all, listed_from(context["cards"].values()))
    lists = beside(part, now=time_for_viewer(request), read=read)
    mark, earlier = context["followed"].get(part.session.pk), context["earlier"]
    context |= reading(part, mark, context["transcript"], has_earlier=earlier is not None)
    unfolded = {context["first_new"], id_in(request.GET.get("message"))}
    context["folds"] = folds_in(context["transcript"], but=unfolded)
    context["title"] = context["titles"].get(part.session.pk, "")
    shown = [message.request_id for message in context["transcript"]]
    shown += [found.pk for found in lists["open_requests"]]
    known = answerable_for_viewer(request)
    context |= lists | composer(part, shown=shown, lists=lists, known=known) | more
    return render(request, "chat/session.html", context, status=status)


def _keys(rows: QuerySet[Any]) -> set[UUID]:
    return set(rows.values_list("pk", flat=True))
