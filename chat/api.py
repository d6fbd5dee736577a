"""Requests and responses over HTTP."""

from dataclasses import asdict, replace
from functools import partial
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
from chat.decision_schemas import AskBackIn, StandingOut, StandingPage
from chat.delegation_schemas import DelegationIn, DelegationOut
from chat.models import (
    Delegation,
    HumanRequest,
    HumanResponse,
    RequestEvent,
    StandingDecision,
)
from chat.schemas import (
    ClosedOut,
    ReassignedOut,
    ReassignIn,
    RequestDetailOut,
    RequestEventOut,
    RequestOut,
    RequestPage,
    ResponseIn,
    ResponseOut,
    UploadedOut,
)
from procedures.access import SignedIn, address_of, program_of
from procedures.file_responses import FILE_ANSWER, file_response
from procedures.paging import PAGE, Limit, Page, page, page_size
from procedures.schemas import Word, refusals
from procedures.users import find_active_user

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
    """List the requests that you may see.

    With `is_unanswerable=true`, list only open requests that nobody can answer.
    """
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
    answer = Api().parse(services.Inbound(payload, sender=request.user))
    return _respond(request, request_id, answer)


@router.post(
    "/requests/{request_id}/ask-back",
    response={
        201: ResponseOut,
        200: ResponseOut,
        409: ClosedOut,
        **refusals(400, 403, 404, 413, 422),
    },
    summary="Send a request back instead of answering",
)
def create_ask_back(request: SignedIn, request_id: UUID, body: AskBackIn) -> Status[HumanResponse]:
    """Close the request and send it back to the run, with a text instead of an answer.

    The run gets `text` and can then make a new request. The response has the same fields as the
    response to an answer. The status is 422 if the procedure doesn't allow it (the request's
    `ask_back` is false).
    """
    answer = services.Answer(None, body.text, Api.name, asks_back=True, reason=body.reason)
    return _respond(request, request_id, answer)


def _respond(request: SignedIn, request_id: UUID, answer: services.Answer) -> Status[HumanResponse]:
    by, address = request.user, address_of(request)
    try:
        sent = replace(answer, address=address, program=program_of(request))
        response, is_new = services.respond(request_id, sent, by=by)
    except (HumanRequest.DoesNotExist, services.NotAskedError):
        # Only users who may see the request learn who is asked, and everybody who is asked may see
        # it.
        get_object_or_404(visible_requests(by), pk=request_id)
        raise
    services.drop_draft(request_id, by=by)
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

    Then answer the request with the token as the value of the form's file field. The token is valid
    only for the person who sent the file, and only for this request. The token expires after a day,
    unless the site sets another time.
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
    """Return a file that the request shows or that an answer contains, by the content's digest.

    Browsers show pictures and download other files.
    """
    found = get_object_or_404(visible_requests(request.user), pk=request_id)
    file = services.find_file(found, digest)
    if file is None:
        raise Http404
    return file_response(file, may_be_shown=True)


@router.post(
    "/requests/{request_id}/reassignment",
    response={200: ReassignedOut, **refusals(400, 403, 404, 409, 413, 422)},
    summary="Reassign a request",
)
def reassign_request(request: SignedIn, request_id: UUID, body: ReassignIn) -> dict[str, Any]:
    """Assign the request to another group or user.

    People with the permission “Can withdraw and reassign requests” may do so. The person who has
    claimed the request may do so, too, if the request asks that person directly and not only as a
    deputy. Claimers without the permission can't reassign the request with a token. The status is
    409 if the request is closed, or if nobody in the group is active and `allow_unanswerable` is
    not true.
    """
    found = get_object_or_404(visible_requests(request.user), pk=request_id)
    message = services.reassign_request(
        found.pk,
        to=body.to,
        by=request.user,
        reason=body.reason,
        allow_unanswerable=body.allow_unanswerable,
        may_reassign=partial(services.may_reassign, user=request.user, program=program_of(request)),
    )
    now = HumanRequest.objects.with_what_is_shown().get(pk=request_id)
    return {"message": message, "request": now}


@router.delete(
    "/requests/{request_id}/response",
    response={200: RequestOut, **refusals(404, 409)},
    summary="Undo your answer",
)
def delete_response(request: SignedIn, request_id: UUID) -> HumanRequest:
    """Undo your own answer before the answer takes effect.

    The status is 409 if the answer has already taken effect, or could never be undone.
    """
    found = get_object_or_404(visible_requests(request.user), pk=request_id)
    services.undo_response(found.pk, by=request.user)
    return _shown(found)


@router.post(
    "/requests/{request_id}/claim",
    response={200: RequestOut, **refusals(403, 404, 409)},
    summary="Claim a request",
)
def create_claim(request: SignedIn, request_id: UUID) -> HumanRequest:
    """Claim the request, so that nobody else can answer it until you release it."""
    found = get_object_or_404(visible_requests(request.user), pk=request_id)
    services.claim_request(found.pk, by=request.user, address=address_of(request))
    return _shown(found)


@router.delete(
    "/requests/{request_id}/claim",
    response={200: RequestOut, **refusals(404, 409)},
    summary="Release a claimed request",
)
def delete_claim(request: SignedIn, request_id: UUID) -> HumanRequest:
    """Release your claim; with the permission to reassign requests, release anybody's claim."""
    found = get_object_or_404(visible_requests(request.user), pk=request_id)
    services.release_request(found.pk, by=request.user)
    return _shown(found)


@router.post(
    "/requests/{request_id}/seen",
    response={204: None, **refusals(404, 409)},
    summary="Mark a request as seen",
)
def create_sight(request: SignedIn, request_id: UUID) -> Status[None]:
    """Record in the request's history that you have seen the request.

    If this was recorded before, nothing changes.
    """
    found = get_object_or_404(visible_requests(request.user), pk=request_id)
    services.note_seen(found.pk, by=request.user, channel=Api.name, address=address_of(request))
    return Status(204, None)


@router.get(
    "/requests/{request_id}/history",
    response={200: list[RequestEventOut], **refusals(404)},
    summary="The history of a request",
)
def list_history(request: SignedIn, request_id: UUID) -> list[RequestEvent]:
    """Return the entries of the request's history, oldest first: who did what, and when."""
    found = get_object_or_404(visible_requests(request.user), pk=request_id)
    return list(found.events.order_by("seq"))


def _shown(request: HumanRequest) -> HumanRequest:
    return HumanRequest.objects.with_what_is_shown().get(pk=request.pk)


@router.get(
    "/delegations",
    response={200: list[DelegationOut], **refusals()},
    summary="Your delegations",
)
def list_delegations(request: SignedIn) -> list[Delegation]:
    """Return the delegations that you have given or received and that haven't ended."""
    return list(services.delegations_of(request.user))


@router.post(
    "/delegations",
    response={201: DelegationOut, **refusals(400, 404, 409, 413, 422)},
    summary="Let somebody else answer for you",
)
def create_delegation(request: SignedIn, body: DelegationIn) -> Status[Delegation]:
    """Let another active user answer your requests until a date; 404 if there is no such user."""
    to = find_active_user(body.to.removeprefix("@"))
    if to is None:
        raise Http404
    made = services.delegate(
        by=request.user, to=to, from_at=body.from_at, until=body.until, reason=body.reason
    )
    return Status(201, made)


@router.delete(
    "/delegations/{delegation_id}",
    response={200: DelegationOut, **refusals(404)},
    summary="Revoke a delegation",
)
def delete_delegation(request: SignedIn, delegation_id: int) -> Delegation:
    """End a delegation that you have given; superusers can end any."""
    try:
        return services.revoke_delegation(delegation_id, by=request.user)
    except Delegation.DoesNotExist:
        raise Http404 from None


@router.get(
    "/standing-decisions",
    response={200: StandingPage, **refusals(422)},
    summary="Standing decisions",
)
def list_standing_decisions(
    request: SignedIn, after: int | None = None, limit: Limit = PAGE
) -> Page:
    """Return the decisions that you have given or may revoke as an operator, newest first."""
    found = services.revocable_by(request.user).select_related("revoked_by")
    if after is not None:
        found = found.filter(pk__lt=after)
    return page(found, by="-pk", limit=limit)


@router.delete(
    "/standing-decisions/{decision_id}",
    response={200: StandingOut, **refusals(404)},
    summary="Revoke a standing decision",
)
def delete_standing_decision(request: SignedIn, decision_id: int) -> StandingDecision:
    """Revoke a standing decision, so that the decision answers no more requests.

    Only the person who gave the decision, and operators, can revoke the decision.
    """
    try:
        return services.revoke_standing(decision_id, by=request.user)
    except StandingDecision.DoesNotExist:
        raise Http404 from None
