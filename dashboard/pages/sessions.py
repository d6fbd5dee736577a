"""Pages with which people open a session, and see and change its members and settings."""

import re
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_http_methods, require_POST

from chat import services
from chat.access import titles_for
from chat.models import Member
from chat.parts import SessionPart
from chat.services import (
    LastMemberError,
    MessageError,
    MessageKeyError,
    NotMemberError,
    RemovalDeniedError,
)
from dashboard.pages.chat import find
from dashboard.pages.marks import with_marks
from dashboard.pages.visit import Visit
from procedures.engine.errors import InputError

MOST_LISTED = 200
KEY_USED = lazy(
    "This form has already opened another session. To open this one too, press the button again."
)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@with_marks()
def create_session(request: Visit) -> HttpResponse:
    """Show the form of a new session; a POST opens it, or shows the form with its faults."""
    if request.method != "POST":
        return _form(request, client_key=uuid4().hex)
    sent = {name: request.POST.get(name, "") for name in ("title", "members", "text")}
    key = request.POST.get("client_key", "").replace("\0", "")[:64]
    is_private = bool(request.POST.get("is_private"))
    try:
        session, _is_new = services.open_session(
            sent["title"],
            by=request.user,
            members=re.split(r"[,;\n]", sent["members"]),
            text=sent["text"].strip(),
            is_private=is_private,
            client_key=key,
        )
    except InputError as error:
        faults = {fault.field: fault.message for fault in error.faults}
    except MessageKeyError:
        faults, key = {"title": str(KEY_USED)}, uuid4().hex
    except MessageError as error:
        faults = {"text": str(error)}
    else:
        return redirect("countersign:session_detail", session.pk)
    return _form(request, 422, **sent, is_private=is_private, client_key=key, faults=faults)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@with_marks()
def member_list(request: Visit, session_id: UUID) -> HttpResponse:
    """Show the members and settings of a session; a POST invites a person."""
    part, name = _find(request, session_id), request.POST.get("user", "")
    if request.method != "POST":
        return _page(request, part)
    try:
        member, is_new = services.invite(session_id, services.find_person(name), by=request.user)
    except InputError as error:
        return _page(request, part, 422, invited=name, fault=error.faults[0].message)
    except NotMemberError as error:
        raise PermissionDenied from error
    words = _("{name} is a member now.") if is_new else _("{name} was a member already.")
    messages.success(request, words.format(name=member.user.get_username()))
    if request.POST.get("back") == "chat":  # the button below the composer
        return redirect(f"{reverse('countersign:session_detail', args=[session_id])}#latest")
    return redirect("countersign:session_members", session_id)


@require_POST
@login_required
def remove_member(request: Visit, session_id: UUID, member_id: int) -> HttpResponse:
    """Remove a member from a session; if it is the person's own membership, the person leaves.

    The last member must confirm that with `confirm`.
    """
    part = _find(request, session_id)
    members = Member.objects.filter(session=session_id, pk=member_id)
    is_own = members.filter(user=request.user).exists()
    try:
        services.remove_member(
            session_id,
            member_id,
            by=request.user,
            is_confirmed=bool(request.POST.get("confirm")),
        )
    except LastMemberError:
        return _page(request, part, 409)
    except (NotMemberError, RemovalDeniedError) as error:
        raise PermissionDenied from error
    if is_own:
        messages.success(request, _("You have left the session."))
        return redirect("countersign:session_list")
    return redirect("countersign:session_members", session_id)


@require_POST
@login_required
def rename(request: Visit, session_id: UUID) -> HttpResponse:
    part, title = _find(request, session_id), request.POST.get("title", "")
    try:
        services.rename_session(session_id, title, by=request.user)
    except InputError as error:
        return _page(request, part, 422, new_title=title, title_fault=error.faults[0].message)
    except NotMemberError as error:
        raise PermissionDenied from error
    return redirect("countersign:session_members", session_id)


@require_POST
@login_required
def change_privacy(request: Visit, session_id: UUID) -> HttpResponse:
    _find(request, session_id)
    try:
        is_private = request.POST.get("is_private") == "yes"
        services.set_private(session_id, is_private=is_private, by=request.user)
    except NotMemberError as error:
        raise PermissionDenied from error
    return redirect("countersign:session_members", session_id)


def _find(request: Visit, session_id: UUID) -> SessionPart:
    """Return a session if the viewer may read all of it; raises 404 otherwise."""
    part = find(request, session_id)
    if not part.is_whole:
        raise Http404
    return part


def _form(request: Visit, status: int = 200, **more: Any) -> HttpResponse:
    context = {"known": services.known_people(request.user), **more}
    return render(request, "chat/new_session.html", context, status=status)


def _page(request: Visit, part: SessionPart, status: int = 200, **more: Any) -> HttpResponse:
    session = part.session
    everybody = Member.objects.filter(session=session).select_related("user").order_by("pk")
    members = list(everybody[: MOST_LISTED + 1])
    context = {
        "session": session,
        "title": titles_for(request.user, [session.pk]).get(session.pk, ""),
        "members": members[:MOST_LISTED],
        "has_more": len(members) > MOST_LISTED,
        "mine": everybody.filter(user=request.user).first(),
        "is_last": len(members) == 1,
        "may_remove": services.may_remove(session, request.user),
        "known": services.known_people(request.user),
        **more,
    }
    return render(request, "chat/members.html", context, status=status)
