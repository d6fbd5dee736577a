"""Files of runs and requests: downloads, pictures and previews."""

import csv
from collections.abc import Callable
from io import StringIO
from typing import Any, Concatenate, ParamSpec
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from chat.access import visible_messages, visible_requests
from chat.changes import edits_between, lines_of
from chat.services import find_file, find_message_file
from dashboard.http.lost_files import explains_lost_files
from dashboard.overview.cuts import PAGE, cut_changes, cut_text
from dashboard.overview.drawing import READABLE
from procedures import api
from procedures.access import SignedIn
from procedures.engine.values.attachments import files_in, with_files
from procedures.engine.values.files import File, use_file_store
from procedures.file_responses import file_response
from procedures.files import ContentStore

P = ParamSpec("P")
View = Callable[Concatenate[SignedIn, P], HttpResponse]
MOST_ROWS, MOST_COLUMNS = 50, 20
DELIMITERS = (",", ";", "\t")
MOST_BYTES = 64 * 1024
"""The maximum number of bytes that a preview shows, from the beginning of the file."""


@require_safe
@login_required
@explains_lost_files
def run_file(request: SignedIn, run_id: UUID, name: str) -> HttpResponse:
    """Return the run's newest file with that name."""
    return api.get_artifact(request, run_id, name)


@require_safe
@login_required
@explains_lost_files
def request_file(request: SignedIn, request_id: UUID, digest: str) -> HttpResponse:
    """Return a file of a request or of its answer; browsers display it if it is a picture."""
    file = _file_of(request, request_id, digest)
    return file_response(file, may_be_shown=True)


@require_safe
@login_required
@explains_lost_files
def request_file_preview(request: SignedIn, request_id: UUID, digest: str) -> HttpResponse:
    """Return the beginning of a text file of a request, or the first rows if it is a table."""
    return _preview(request, _file_of(request, request_id, digest))


@require_safe
@login_required
@explains_lost_files
def request_file_changes(request: SignedIn, request_id: UUID) -> HttpResponse:
    """Return the differences between two files of a request.

    They are the file under review, and the file with which the answer replaced it.
    """
    found = get_object_or_404(visible_requests(request.user), pk=request_id)
    question = found.asked
    # The last response decided; responses that were undone don't count.
    response = get_object_or_404(found.responses.filter(undone_at=None).order_by("-pk")[:1])
    sent = list(files_in(with_files(response.plain_value, question.schema)))
    files = [find_file(found, one.digest) for one in (question.draft_file, *sent) if one]
    if len(files) != 2 or not all(one and one.content_type in READABLE for one in files):  # noqa: PLR2004 (before and after)
        raise Http404
    old, new = (_text_of(_content(one)) for one in files if one)
    lines, left_out = cut_changes(list(lines_of(old, new, edits_between(old, new))), PAGE)
    return render(request, "chat/file_changes.html", {"lines": lines, "left_out": left_out})


@require_safe
@login_required
@explains_lost_files
def message_file(request: SignedIn, message_id: UUID, digest: str) -> HttpResponse:
    """Return a file of a message; browsers display the file if it is a picture."""
    return file_response(_file_of_message(request, message_id, digest), may_be_shown=True)


@require_safe
@login_required
@explains_lost_files
def message_file_preview(request: SignedIn, message_id: UUID, digest: str) -> HttpResponse:
    """Return the beginning of a text file of a message, or the first rows if it is a table."""
    return _preview(request, _file_of_message(request, message_id, digest))


def _preview(request: SignedIn, file: File) -> HttpResponse:
    if file.content_type not in READABLE:
        raise Http404
    return render(request, "chat/file_preview.html", _beginning(file, _content(file)))


def _file_of_message(request: SignedIn, message_id: UUID, digest: str) -> File:
    """Return a file of a message that the person may read."""
    message = get_object_or_404(visible_messages(request.user), pk=message_id)
    file = find_message_file(message, digest)
    if file is None:
        raise Http404
    return file


def _file_of(request: SignedIn, request_id: UUID, digest: str) -> File:
    found = get_object_or_404(visible_requests(request.user), pk=request_id)
    file = find_file(found, digest)
    if file is None:
        raise Http404
    return file


def _content(file: File) -> bytes:
    with use_file_store(ContentStore()):
        return file.read()


def _text_of(content: bytes) -> str:
    """Return the bytes as text; "�" replaces bytes that aren't UTF-8."""
    return content.decode("utf-8-sig", errors="replace").replace("\0", "␀")


def _beginning(file: File, content: bytes) -> dict[str, Any]:
    shown = cut_text(_text_of(content[:MOST_BYTES]), PAGE)
    is_cut = bool(shown.left_out) or len(content) > MOST_BYTES
    if file.content_type != "text/csv":
        return {"file": file, "text": shown.text, "is_cut": is_cut}
    rows = _rows_of(shown.text)
    table = [row[:MOST_COLUMNS] for row in rows[:MOST_ROWS]]
    return {"file": file, "table": table, "is_cut": is_cut or len(rows) > MOST_ROWS}


def _rows_of(text: str) -> list[list[str]]:
    """Return the rows of a table in CSV.

    The delimiter is the most frequent one of comma, semicolon and tab in the first line.
    """
    first = text.partition("\n")[0]
    mark = max(DELIMITERS, key=first.count)
    try:
        return [row for row in csv.reader(StringIO(text), delimiter=mark) if row]
    except csv.Error:
        return [[line] for line in text.splitlines()]
