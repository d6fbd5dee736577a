"""Files of runs, as downloads."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from procedures import api
from procedures.access import SignedIn
from procedures.engine.errors import FileGoneError


@require_safe
@login_required
def run_file(request: SignedIn, run_id: UUID, name: str) -> HttpResponse:
    """Return the run's newest file of that name, or a sentence if it is lost or damaged."""
    try:
        return api.get_artifact(request, run_id, name)
    except FileGoneError as error:
        return render(request, "procedures/file_lost.html", {"told": error}, status=410)
