"""Drafts of request forms, saved on the server while people type."""

import re
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from chat import services
from chat.services import AlreadyAnsweredError, DraftConflictError, NotAskedError
from dashboard.forms.answer import NOT_IN_DRAFTS
from dashboard.pages.requests import find
from dashboard.pages.visit import Visit
from procedures.engine.errors import InputError


@require_POST
@login_required
def request_draft(request: Visit, request_id: UUID) -> HttpResponse:
    """Save the texts in a request's form as a draft; return the new version of the draft.

    If a newer draft was saved before, return 409 and the version of that draft.
    """
    found = find(request, request_id)
    values = {name: texts for name, texts in _typed(request).items() if name not in NOT_IN_DRAFTS}
    sent = request.POST.get("draft_version", "0")
    version = int(sent) if re.fullmatch("[0-9]{1,9}", sent) else 0
    try:
        draft = services.save_draft(found.pk, by=request.user, values=values, version=version)
    except DraftConflictError as error:
        there = error.draft.version if error.draft else 0
        return JsonResponse({"detail": str(error), "version": there}, status=409)
    except (AlreadyAnsweredError, NotAskedError, InputError) as error:
        return JsonResponse({"detail": str(error)}, status=422)
    return JsonResponse({"version": draft.version})


def _typed(request: HttpRequest) -> dict[str, list[str]]:
    return {name: [str(text) for text in texts] for name, texts in request.POST.lists()}
