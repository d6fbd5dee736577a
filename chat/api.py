"""Requests and responses over HTTP."""

from dataclasses import asdict, replace
from typing import Annotated, Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import File as NinjaFile
from ninja import Router, Status
from ninja.files import UploadedFile

from chat import services
from chat.access import visible_requests
from chat.channels import Api
from chat.models import HumanRequest, HumanResponse
from chat.schemas import (
    ClosedOut,
    ReassignedOut,
    ReassignIn,
    RequestDetailOut,
    RequestPage,
    ResponseIn,
    ResponseOut,
    UploadedOut,
)
from procedures.access import SignedIn
from procedures.file_responses import FILE_ANSWER, file_response
from procedures.paging import PAGE, Limit, Page, page, page_size
from procedures.schemas import Word, refusals

router = Router()


@router.get(
    "/requests",
    response={200: RequestPage, **refusals(422)},
    summary="Requests you may see, newest first",
)
def list_requests(
    request: SignedIn,
    status: HumanRequest.Status | None = None,
    run: UUID | None = None,
    after: UUID | None = None,
    limit: Limit = PAGE,
    *,
    is_unanswerable: bool = False,
) -> Page:
    """Return the requests; with `is_unanswerable=true`, only open ones that nobody can answer."""
    requests = HumanRequest.objects.all()
    if status:
        requests = requests.filter(status=status)
    if run:
        requests = requests.filter(wait__run=run)
    if is_unanswerable:
        requests = requests & services.requests_without_answerers()
    are_open = is_unanswerable or status == HumanRequest.Status.OPEN
    ids = services.newest_requests(
        requests, request.user, page_size(limit) + 1, are_open=are_open, after=after
    )
    found = HumanRequest.objects.filter(pk__in=ids).with_what_is_shown().defer("question")
    return page(found, by="-id", limit=limit)


@router.get(
    "/requests/{request_id}",
    response={200: RequestDetailOut, **refusals(404)},
    summary="A request",
    by_alias=True,
)
def get_request(request: SignedIn, request_id: UUID) -> HumanRequest:
    requests = visible_requests(request.user).with_what_is_shown()
    return get_object_or_404(requests.prefetch_related("responses__user"), pk=request_id)


@router.post(
    "/requests/{request_id}/response",
    response={
        201: ResponseOut,
        200: ResponseOut,
        409: ClosedOut,
        **refusals(400, 403, 404, 413, 422),
    },
    summary="Answer a request",
)
def create_response(
    request: SignedIn, request_id: UUID, payload: ResponseIn
) -> Status[HumanResponse]:
    """Return 201 with the response, 200 for a repeated answer, or 409 if the request is closed.

    An `irreversible` request requires `"confirm": true`; without it, the status is 422.
    """
    by, address = request.user, request.META.get("REMOTE_ADDR") or None
    answer = Api().parse(services.Inbound(payload, sender=by, address=address))
    try:
        response, is_new = services.respond(request_id, replace(answer, address=address), by=by)
    except (HumanRequest.DoesNotExist, services.NotAskedError):
        # Only those who may see it are told who is asked; who is asked may see it.
        get_object_or_404(visible_requests(by), pk=request_id)
        raise
    if not is_new:  # somebody who was asked once may not see it any more
        get_object_or_404(visible_requests(by), pk=request_id)
    return Status(201 if is_new else 200, response)


@router.post(
    "/requests/{request_id}/files",
    response={201: UploadedOut, 409: ClosedOut, **refusals(400, 403, 404, 413, 422)},
    summary="Send a file for an answer",
)
def create_file(
    request: SignedIn, request_id: UUID, file: Annotated[UploadedFile, NinjaFile()]
) -> Status[dict[str, Any]]:
    """Store a file (multipart/form-data, in the field `file`) and return a token for it.

    In the answer, the token stands in the place of the file. It counts for a day, for this person
    and this request.
    """
    found = get_object_or_404(visible_requests(request.user), pk=request_id)
    token = services.receive_file(found, file, by=request.user)
    stored = services.uploaded(found, token, by=request.user)
    assert stored
    return Status(201, {"token": token, **asdict(stored)})


@router.get(
    "/requests/{request_id}/files/{digest}",
    response={200: None, **refusals(404)},
    openapi_extra=FILE_ANSWER,
    summary="A file that a request shows or was answered with",
)
def get_file(request: SignedIn, request_id: UUID, digest: Word) -> HttpResponse:
    """Return the file with that digest; pictures are shown by browsers, other files downloaded."""
    found = get_object_or_404(visible_requests(request.user), pk=request_id)
    file = services.find_file(found, digest)
    if file is None:
        raise Http404
    return file_response(file, may_be_shown=True)


@router.post(
    "/requests/{request_id}/reassignment",
    response={200: ReassignedOut, **refusals(400, 403, 404, 409, 413, 422)},
    summary="Ask somebody else instead",
)
def reassign_request(request: SignedIn, request_id: UUID, said: ReassignIn) -> dict[str, Any]:
    """Ask another group or user; requires the permission “Can withdraw and reassign requests”.

    Returns 409 if the request is closed, or if nobody in the group is active and
    `allow_unanswerable` is not true.
    """
    found = get_object_or_404(visible_requests(request.user), pk=request_id)
    if not request.user.has_perm(services.OPERATE_REQUEST):
        raise services.ReassigningDeniedError
    told = services.reassign_request(
        found.pk,
        to=said.to,
        by=request.user,
        reason=said.reason,
        allow_unanswerable=said.allow_unanswerable,
    )
    now = HumanRequest.objects.with_what_is_shown().get(pk=request_id)
    return {"message": told, "request": now}
