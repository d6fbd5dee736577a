"""Requests to people, and answers to them."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from countersign_client.calls import Call, path
from countersign_client.files import File, file_in
from countersign_client.reading import many, one, page_of
from countersign_client.results.pages import Page
from countersign_client.results.requests import (
    BulkResult,
    InboxItem,
    Request,
    RequestRow,
    Response,
    SeenAnswer,
    Upload,
)


def list_requests(
    *,
    status: str | None = None,
    run: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Call[Page[RequestRow]]:
    """Return a page of requests, newest first; `status` is open, answered, expired or withdrawn."""
    where = {"status": status, "run": run, "after": after, "limit": limit}
    return Call(method="GET", path="requests", read=page_of(RequestRow), params=where)


def list_inbox(
    *,
    tab: str = "mine",
    group: str = "",
    q: str = "",
    after: str | None = None,
    limit: int = 50,
) -> Call[Page[InboxItem]]:
    """Return a page of the requests that wait for the token's user, most urgent first.

    `tab` is mine, groups, unclaimed, snoozed or done.
    """
    where = {"tab": tab, "group": group, "q": q, "after": after, "limit": limit}
    return Call(method="GET", path="inbox", read=page_of(InboxItem), params=where)


def get_request(request_id: str) -> Call[Request]:
    """Return a request with its evidence, its schema and its answers."""
    return Call(method="GET", path=path("requests", request_id), read=one(Request))


def answer_request(
    request_id: str, value: Any, *, comment: str = "", confirm: bool = False
) -> Call[Response]:
    """Answer a request, and return the response; a repeated answer returns the first response.

    An irreversible request can only be answered with `confirm=True`. Raises `ConflictError`, which
    says who has answered, if the request is closed, and `InvalidError` if the value doesn't fit the
    request's schema.
    """
    return Call(
        method="POST",
        path=path("requests", request_id, "response"),
        read=one(Response),
        body={"value": value, "comment": comment, "confirm": confirm},
        is_repeatable=True,
    )


def answer_requests(
    answers: Sequence[SeenAnswer], *, comment: str = ""
) -> Call[tuple[BulkResult, ...]]:
    """Answer several requests, each in the version that was seen, and return a result for each.

    A request that has changed since that version stays open: its result is "needs_attention".
    """
    return Call(
        method="POST",
        path="inbox/responses",
        read=many(BulkResult, "results"),
        body={"answers": [asdict(one) for one in answers], "comment": comment},
    )


def ask_back(request_id: str, text: str) -> Call[Response]:
    """Send a request back with a text instead of an answer, if the request allows that."""
    return Call(
        method="POST",
        path=path("requests", request_id, "ask-back"),
        read=one(Response),
        body={"text": text},
        is_repeatable=True,
    )


def claim_request(request_id: str) -> Call[RequestRow]:
    """Claim a request, so that nobody else can answer it. Claiming it twice is harmless."""
    return Call(
        method="POST",
        path=path("requests", request_id, "claim"),
        read=one(RequestRow),
        is_repeatable=True,
    )


def release_request(request_id: str) -> Call[RequestRow]:
    """Release the claim on a request, so that others can answer the request again."""
    return Call(method="DELETE", path=path("requests", request_id, "claim"), read=one(RequestRow))


def upload_file(request_id: str, file: File) -> Call[Upload]:
    """Store a file for an answer to a request.

    In the value of the answer, the `token` of the returned upload takes the place of the file.
    """
    return Call(
        method="POST",
        path=path("requests", request_id, "files"),
        read=one(Upload),
        files=[("file", file)],
    )


def download_file(request_id: str, digest: str) -> Call[File]:
    """Return the file with this digest, which a request shows or an answer contains."""
    return Call(method="GET", path=path("requests", request_id, "files", digest), read=file_in)
