"""The evidence of a request as an HTML file, and of a whole run as a ZIP archive."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any, Self
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZipFile

from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from chat.access import visible_requests
from chat.models import HumanRequest
from dashboard.pages.wholes import download
from procedures.access import SignedIn
from procedures.engine.journal.error_payloads import without_traceback
from procedures.engine.journal.events import Event
from procedures.engine.values import canonical
from procedures.models import Run
from procedures.models.clock import clock
from procedures.services.ledger import examine, state_of

HTML = "text/html; charset=utf-8"
SECONDS_KEPT = 60
"""The seconds for which a verification of a run is reused, also for other requests of the run."""


@require_safe
@login_required
def request_evidence(request: SignedIn, request_id: UUID) -> HttpResponse:
    """Return the evidence of a request as a file, to everybody who may see the request."""
    found = get_object_or_404(visible_requests(request.user), pk=request_id)
    run = Run.objects.get(pk=found.wait.run_id)
    return download(f"request-{found.pk}.html", evidence_of(found, _recently_verified(run)), HTML)


@dataclass(frozen=True)
class Verification:
    """The faults in a run's journal, rows and files, as found at the time `at`."""

    faults: Sequence[str]
    at: datetime

    @classmethod
    def of(cls, run: Run) -> Self:
        return cls(examine(run).faults, clock.now())


def _recently_verified(run: Run) -> Verification:
    """Return a verification of the run that is at most `SECONDS_KEPT` old, or make a new one.

    A verification reads the whole run, and everybody who may see a request may ask for one.
    """
    key = f"countersign-verification-{run.pk}-{canonical.digest(repr(state_of(run)))}"
    kept = cache.get(key)
    if not isinstance(kept, Verification):
        kept = Verification.of(run)
        cache.set(key, kept, SECONDS_KEPT)
    return kept


def evidence_of(request: HumanRequest, verified: Verification) -> str:
    """Return the evidence of a request as one HTML page that needs no other files.

    The page contains what was shown, who did what, and the verification.
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
        "faults": verified.faults,
        "at": verified.at,
    }
    return render_to_string("chat/evidence_file.html", context)


SHOWN_APART = {"by_id", "channel", "address", "right", "reason", "proof"}
"""The keys of an entry that aren't repeated among its facts.

They have columns of their own in the file, or are meant only for programs.
"""


def _facts(content: dict[str, object]) -> str:
    left = {name: value for name, value in content.items() if name not in SHOWN_APART}
    return json.dumps(left, ensure_ascii=False, sort_keys=True) if left else ""


def bundle_of(run: Run) -> bytes:
    """Return a ZIP archive with a run's journal, requests, verification and list of files."""
    verified = Verification.of(run)
    lines = [*verified.faults] or [
        "The journal is intact, and the database rows and files agree with it."
    ]
    packed = BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        archive.writestr("journal.json", _pretty([_event(one) for one in run.events.journal()]))
        archive.writestr("artifacts.json", _pretty(_artifacts(run)))
        archive.writestr(
            "verification.txt", "\n".join([f"Verified at {verified.at.isoformat()}.", *lines, ""])
        )
        for request in HumanRequest.objects.filter(wait__run=run).order_by("pk"):
            archive.writestr(f"requests/{request.pk}.html", evidence_of(request, verified))
    return packed.getvalue()


def _event(event: Event) -> dict[str, Any]:
    """Return a journal event for the archive.

    The traceback of an error is left out, because only operators may read it.
    """
    as_json = {"seq": event.seq, "kind": event.kind, "key": event.key, "name": event.name}
    content = without_traceback(event.content)
    return {**as_json, "data": content, "at": event.at.isoformat(), "hash": event.hash}


def _artifacts(run: Run) -> list[dict[str, Any]]:
    fields = ("name", "digest", "size", "content_type")
    return list(run.artifacts.order_by("pk").values(*fields))


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
