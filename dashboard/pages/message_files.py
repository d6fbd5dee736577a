"""Uploads of the files of a message; browsers send each file before they send the message."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from chat.parts import find_part
from dashboard.forms.attached import attached_files
from dashboard.pages.visit import Visit


@require_POST
@login_required
def create_file(request: Visit, session_id: UUID) -> HttpResponse:
    """Store a file of a message that isn't sent yet.

    Return the file's HTML for the form of the message, or 422 and the reason if it can't be stored.
    """
    part = find_part(request.user, session_id)
    if part is None:
        raise Http404
    found = attached_files(request, part)
    if found.fault or not found.files:
        return HttpResponse(found.fault, status=422, content_type="text/plain; charset=utf-8")
    return render(request, "chat/_attached.html", {"attached": found.files}, status=201)
