"""Commands in a session: their list, their start forms, and the starts of runs by these forms."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chat.models import Message
from chat.parts import SessionPart
from chat.services import start_in_session
from dashboard.forms.commands import Command, command_in, fill, plain_name, still_has_values
from dashboard.forms.start import StartForm
from dashboard.pages.chat import find, session_page
from dashboard.pages.commands import START, CommandResult, Commands, called, why_unfit
from dashboard.pages.starting import RefusedForm, sent_key, start_by_form
from dashboard.pages.visit import Visit
from procedures import access, registry
from procedures.models import Procedure, Run

LONGEST_KEY = 64


@require_safe
@login_required
def command_list(request: Visit, session_id: UUID) -> HttpResponse:
    """Return the commands that the person can give in the session, for the composer's list."""
    offers = list(Commands(request, find(request, session_id)).offers())
    return render(request, "chat/_commands.html", {"offers": offers})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def start_draft(request: Visit, session_id: UUID) -> HttpResponse:
    """Return the start form of a command again, after a reload of the page.

    If a run was started with the form's key meanwhile, return nothing. If the command isn't
    possible any more, return the reason. Browsers use POST if the command is too long for a URL; a
    POST stores nothing either.
    """
    part = find(request, session_id)
    sent = request.POST if request.method == "POST" else request.GET
    key, commands = sent.get("key", "").replace("\0", "")[:LONGEST_KEY], Commands(request, part)
    if key and Run.objects.filter(started_by=request.user, idempotency_key=key).exists():
        context: dict[str, Any] = {"ended": key}
    else:
        context = commands.context_of(commands.shown_again(sent.get("text", ""), key=key))
    return render(request, "chat/_command.html", {"session": part.session} | context)


@require_POST
@login_required
def create_start(request: Visit, session_id: UUID, name: str) -> HttpResponse:
    """Start a run in the session, or show the start form again with its faults."""
    part = find(request, session_id)
    procedure = get_object_or_404(access.visible_procedures(request.user), name=name)
    definition = registry.find(name)
    if definition is None:
        raise Http404
    form = StartForm(definition, by=request.user, request=request)
    command = _sent_command(request, procedure)
    filled = fill(StartForm(definition, by=request.user), command.words)

    def start(inputs: Mapping[str, Any], key: str) -> Run:
        text = command.text if still_has_values(form, filled) else command.short_text
        run, _is_new = start_in_session(
            part.session, name, inputs, by=request.user, text=text, idempotency_key=key
        )
        return run

    done = start_by_form(request, form, start)
    if isinstance(done, Run):
        return _started(request, part, done)
    answer = CommandResult(
        "start", command.text, done.key, procedure, form, filled, fault=done.fault
    )
    return _again(request, part, answer, done)


def _sent_command(request: Visit, procedure: Procedure) -> Command:
    """Return the command with which the start form was opened.

    If the form contains no command for this procedure, return the procedure's name as a command.
    """
    typed = request.POST.get("-command", "")
    command = None if why_unfit(typed) else command_in(typed)
    if command and plain_name(command.name) == START:
        command = Command.of(command.words, before=START)
    known = [(procedure.name, procedure.title)]
    is_its_own = command is not None and called(command.name, known) is not None
    return command if command and is_its_own else Command(procedure.name, "")


def _started(request: Visit, part: SessionPart, run: Run) -> HttpResponse:
    """Return the message with the card of the new run; it replaces the start form on the page."""
    sent = part.session.messages.for_transcript().filter(run=run, kind=Message.Kind.RUN).first()
    if request.htmx and sent:
        context = {"session": part.session, "sent": sent, "ended": sent_key(request)}
        return render(request, "chat/_command.html", context)
    session = Message.objects.cards().get(run=run).session_id
    return redirect(f"{reverse('countersign:session_detail', args=[session])}#latest")


def _again(
    request: Visit, part: SessionPart, answer: CommandResult, why: RefusedForm
) -> HttpResponse:
    context = Commands(request, part).context_of(answer)
    if request.htmx:
        page = render(request, "chat/_command.html", context, status=why.status)
    else:
        page = session_page(request, part, status=why.status, **context)
    if why.retry_after:
        page.headers["Retry-After"] = str(why.retry_after)
    return page
