"""Downloads of complete values that pages show only in part.

Everybody who may see the page may download its values.
"""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from chat.access import visible_messages, visible_requests
from chat.changes import kept_edits, lines_of
from chat.models import HumanRequest, HumanResponse
from chat.written import whole_message
from procedures import access
from procedures.access import SignedIn
from procedures.engine.journal.error_payloads import without_traceback
from procedures.file_responses import FILE_HEADERS
from procedures.files import whole_content, whole_text

JSON, TEXT = "application/json", "text/plain; charset=utf-8"
MARKS = {"kept": "  ", "gone": "- ", "new": "+ "}


@require_safe
@login_required
def run_value(request: SignedIn, run_id: UUID, name: str) -> HttpResponse:
    """Return the inputs, the result or the error of a run as a JSON file."""
    run = get_object_or_404(access.visible_runs(request.user), pk=run_id)
    kept = getattr(run, name) if name in {"inputs", "result", "error"} else None
    if not kept:
        raise Http404
    text = whole_text(kept)
    if name == "error" and not access.may_operate(request.user, run):
        text = pretty(without_traceback(json.loads(text)))
    return download(f"{name}.json", text, JSON)


@require_safe
@login_required
def run_event(request: SignedIn, run_id: UUID, seq: int) -> HttpResponse:
    """Return the complete data of an event as a JSON file."""
    run = get_object_or_404(access.visible_runs(request.user), pk=run_id)
    event = get_object_or_404(run.events, seq=seq)
    content = whole_content(event.content)
    if not access.may_operate(request.user, run):
        content = without_traceback(content)
    return download(f"event-{seq}.json", pretty(content), JSON)


@require_safe
@login_required
def message_text(request: SignedIn, message_id: UUID) -> HttpResponse:
    message = get_object_or_404(visible_messages(request.user), pk=message_id)
    return download("message.txt", whole_message(message), TEXT)


@require_safe
@login_required
def request_part(request: SignedIn, request_id: UUID, part: str) -> HttpResponse:
    """Return a part of a question or of its answer as a file, such as "evidence" or "comment"."""
    found = get_object_or_404(visible_requests(request.user), pk=request_id)
    if part in OF_QUESTION:
        content = OF_QUESTION[part](found)
    elif part in OF_ANSWER:
        # The last vote decided; votes that were undone don't count.
        counted = found.responses.filter(undone_at=None).order_by("-pk")[:1]
        content = OF_ANSWER[part](found, get_object_or_404(counted))
    else:
        raise Http404
    is_data = not isinstance(content, str)
    text, ending = (pretty(content), "json") if is_data else (content, "txt")
    return download(f"{part}.{ending}", text, JSON if is_data else TEXT)


def pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def download(name: str, text: str, content_type: str) -> HttpResponse:
    disposition = content_disposition_header(as_attachment=True, filename=name) or "attachment"
    headers = {"Content-Disposition": disposition, **FILE_HEADERS}
    return HttpResponse(text, content_type=content_type, headers=headers)


def _options(request: HumanRequest) -> str:
    options = request.asked.options
    if not options:
        raise Http404
    return "".join(f"{number}. {label}\n" for number, label in enumerate(options.values(), start=1))


def _changes(request: HumanRequest, response: HumanResponse) -> str:
    old, value = request.asked.draft, response.plain_value
    if old is None or "text" not in (value or ()):
        raise Http404
    edits = kept_edits(response.changes, old, value["text"])
    return "".join(f"{MARKS[kind]}{line}\n" for kind, line in lines_of(old, value["text"], edits))


OF_QUESTION: dict[str, Callable[[HumanRequest], Any]] = {
    "prompt": lambda request: request.prompt,
    "body": lambda request: request.asked.body,
    "evidence": lambda request: request.offered.evidence,
    "draft": lambda request: request.asked.draft or "",
    "options": _options,
    "follows": lambda request: "\n\n".join(
        f"{one.by}, {one.at}:\n{one.text}" for one in request.asked.follows
    ),
}
OF_ANSWER: dict[str, Callable[[HumanRequest, HumanResponse], Any]] = {
    "answer": lambda _, response: response.plain_value,
    "comment": lambda _, response: response.comment,
    "changes": _changes,
}
