"""Responses with stored files, sent so that a browser never executes them."""

from typing import Any

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from procedures.engine.values.files import File, use_file_store
from procedures.files import ContentStore

BINARY: dict[str, Any] = {"type": "string", "format": "binary"}
PICTURES = {"image/gif", "image/jpeg", "image/png", "image/webp"}
"""Types of pictures that a page may show. SVG is no such type, because it can run scripts."""
HARMLESS = {
    "application/json",
    *PICTURES,
    "text/csv",
    "text/plain",
}
"""Types that no browser executes. A file of another type is sent as application/octet-stream."""
UNKNOWN_TYPE = "application/octet-stream"
FILE_HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""Headers that prevent an uploaded file from running scripts on the site if a browser shows it."""
FILE_ANSWER: dict[str, Any] = {
    "responses": {200: {"content": {"application/octet-stream": {"schema": BINARY}}}}
}


def file_response(file: File, *, may_be_shown: bool = False) -> HttpResponse:
    """Return the file as a download, or as a picture to be shown if `may_be_shown` is true.

    Files that aren't pictures are always downloads.
    """
    with use_file_store(ContentStore()):
        content = file.read()
    plain_type = file.content_type.partition(";")[0].strip().lower()
    is_download = not (may_be_shown and plain_type in PICTURES)
    disposition = content_disposition_header(as_attachment=is_download, filename=file.name)
    return HttpResponse(
        content,
        content_type=plain_type if plain_type in HARMLESS else UNKNOWN_TYPE,
        headers={"Content-Disposition": disposition or "attachment", **FILE_HEADERS},
    )
