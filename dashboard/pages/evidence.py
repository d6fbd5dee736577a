"""The evidence of a request as one HTML file, and of a whole run as an archive."""

import json
from io import BytesIO
from typing import Any
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZipFile

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from chat.access import visible_requests
from chat.models import HumanRequest
from dashboard.pages.wholes import download
from procedures.access import SignedIn
from procedures.engine.errors import without_traceback
from procedures.engine.journal.events import Event
from procedures.models import Run
from procedures.models.clock import clock
from procedures.services.ledger import examine

HTML = "text/html; charset=utf-8"


@require_safe
@login_required
def request_evidence(request: SignedIn, request_id: UUID) -> HttpResponse:
    """Return the evidence of a request as a file, for whoever may see the request."""
    found = get_object_or_404(visible_requests(request.user), pk=request_id)
    return download(f"request-{found.pk}.html", evidence_of(found), HTML)


def evidence_of(request: HumanRequest) -> str:
    """Return one HTML page without references: what was shown, who did what, and a verification.

    The journal and the rows of the request's run are verified now.
    """
    loaded = HumanRequest.objects.with_what_is_shown().get(pk=request.pk)
    run = Run.objects.get(pk=loaded.wait.run_id)
    events = list(loaded.events.order_by("seq"))
    rights = {(one.at, one.user_id): one.content.get("right", "") for one in events}
    responses = [
        (one, rights.get((one.at, one.user_id), ""))
        for one in loaded.responses.select_related("user", "for_user").order_by("pk")
    ]
    context = {
        "request": loaded,
        "asked": loaded.asked,
        "run": run,
        "events": [(one, _facts(one.content)) for one in events],
        "responses": responses,
        "faults": examine(run).faults,
        "at": clock.now(),
    }
    return render_to_string("chat/evidence_file.html", context)


SHOWN_APART = {"by_id", "channel", "address", "right", "reason", "proof"}
"""The facts of an entry that the file has columns for, or that mean nothing to people."""


def _facts(content: dict[str, object]) -> str:
    left = {name: value for name, value in content.items() if name not in SHOWN_APART}
    return json.dumps(left, ensure_ascii=False, sort_keys=True) if left else ""


def bundle_of(run: Run) -> bytes:
    """Return a ZIP archive of a run: its journal, requests, files' digests and a verification."""
    verdict = examine(run)
    lines = [*verdict.faults] or ["The journal is intact, and the rows and files agree with it."]
    packed = BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        archive.writestr("journal.json", _pretty([_event(one) for one in run.events.journal()]))
        archive.writestr("artifacts.json", _pretty(_artifacts(run)))
        archive.writestr(
            "verification.txt", "\n".join([f"Verified at {clock.now().isoformat()}.", *lines, ""])
        )
        for request in HumanRequest.objects.filter(wait__run=run).order_by("pk"):
            archive.writestr(f"requests/{request.pk}.html", evidence_of(request))
    return packed.getvalue()


def _event(event: Event) -> dict[str, Any]:
    """Return an event as it is chained, without tracebacks, which only operators may read."""
    told = {"seq": event.seq, "kind": event.kind, "key": event.key, "name": event.name}
    content = without_traceback(event.content)
    return {**told, "data": content, "at": event.at.isoformat(), "hash": event.hash}


def _artifacts(run: Run) -> list[dict[str, Any]]:
    fields = ("name", "digest", "size", "content_type")
    return list(run.artifacts.order_by("pk").values(*fields))


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
