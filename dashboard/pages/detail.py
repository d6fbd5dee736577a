"""The choice of how much of each run a transcript shows."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from dashboard.forms.profile import DetailForm
from dashboard.pages.chat import find
from dashboard.pages.visit import Visit


@require_POST
@login_required
def choose_detail(request: Visit, session_id: UUID) -> HttpResponse:
    """Remember how much of each run the person wants to see in all transcripts.

    Redirect to the session; if htmx sent the request, return an empty response.
    """
    find(request, session_id)
    form = DetailForm(request.POST)
    if not form.is_valid():
        return HttpResponse(status=422)
    form.save(request.user)
    if request.htmx:
        return HttpResponse(status=204)
    return redirect("countersign:session_detail", session_id)
