"""Responses with stored files, sent so that a browser never executes them."""

from typing import Any

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from procedures.engine.values.files import File, use_file_store
from procedures.files import ContentStore

BINARY: dict[str, Any] = {"type": "string", "format": "binary"}
PICTURES = {"image/gif", "image/jpeg", "image/png", "image/webp"}
"""Types of pictures that may be shown on a page. SVG isn't among them, because it can run code."""
HARMLESS = {
    "application/json",
    *PICTURES,
    "text/csv",
    "text/plain",
}
"""Types that no browser executes. Files of any other type are sent as plain bytes."""
UNKNOWN_TYPE = "application/octet-stream"
FILE_HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""Headers that keep an uploaded file from running scripts on the site when a browser shows it."""
FILE_ANSWER: dict[str, Any] = {
    "responses": {200: {"content": {"application/octet-stream": {"schema": BINARY}}}}
}


def file_response(file: File, *, may_be_shown: bool = False) -> HttpResponse:
    """Return the file as a download; if `may_be_shown`, browsers show a picture instead."""
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
