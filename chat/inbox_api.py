"""The inbox over HTTP: its lists, snoozes, drafts, and answers to several requests."""

from datetime import tzinfo
from typing import Any
from uuid import UUID

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Router, Status

from chat import services
from chat.access import visible_requests
from chat.channels import Api
from chat.inbox import DueGroup, Filters, Inbox, InboxLists, Tab, seen_by
from chat.inbox_schemas import (
    BulkIn,
    BulkOut,
    DraftConflictOut,
    DraftIn,
    DraftOut,
    InboxPage,
    SnoozeIn,
    SnoozeOut,
)
from chat.models import Draft, HumanRequest, Snooze
from procedures.access import SignedIn, address_of, program_of
from procedures.engine.kinds.conditions import Risk
from procedures.paging import PAGE, Limit, page_size
from procedures.schemas import Word, refusals

router = Router()
COUNTED = (Tab.MINE, Tab.GROUPS, Tab.UNCLAIMED, Tab.SNOOZED)


@router.get(
    "/inbox", response={200: InboxPage, **refusals(422)}, summary="Your inbox, most urgent first"
)
def list_inbox(  # noqa: PLR0913, PLR0917 (each is a query parameter)
    request: SignedIn,
    tab: Tab = Tab.MINE,
    kind: Word = "",
    procedure: Word = "",
    due: DueGroup | None = None,
    risk: Risk | None = None,
    q: Word = "",
    group: Word = "",
    after: UUID | None = None,
    limit: Limit = PAGE,
) -> dict[str, Any]:
    """Return one list of your inbox.

    The list `mine` has the requests that are assigned to you by name or that you have claimed. The
    list `groups` has the requests that are assigned to your groups and permissions. The list
    `unclaimed` has the requests of `groups` that nobody has claimed. For `groups` and `unclaimed`,
    the parameter `group` can be the name of one of your groups. The list `snoozed` has the requests
    that you have put off; those that come back first are listed first. The list `done` has the
    requests that you have answered, newest answer first. `due=today` means the day in the time zone
    of your profile. If your profile has no time zone, it means the day in the time zone of your
    browser or, if the browser sends none, of the site.
    """
    filters = Filters(kind, procedure, due, risk, q, group)
    with timezone.override(_time_zone(request)):
        rows, following = Inbox(request.user, tab, filters).page(page_size(limit), after=after)
    lists = InboxLists(request.user)
    counts = {one: len(lists.ids(one)) for one in COUNTED}
    seen = seen_by(request.user, [one.pk for one in rows])
    return {"items": rows, "seen": sorted(seen), "counts": counts, "next": following}


def _time_zone(request: SignedIn) -> tzinfo:
    """Return the time zone of the caller's profile or browser, or else the site's time zone."""
    find = getattr(request, "find_time_zone", timezone.get_current_timezone)
    found: tzinfo = find()
    return found


@router.post(
    "/inbox/responses",
    response={200: BulkOut, **refusals(400, 413, 422)},
    summary="Answer several requests",
)
def create_responses(request: SignedIn, body: BulkIn) -> dict[str, Any]:
    """Answer the listed requests, each in a transaction of its own.

    Each result is `applied`, `already_decided` or `needs_attention`. A request needs attention if
    the request has changed since you saw it, if its answer can't be undone, or if a required
    comment is missing. Answer such a request separately.
    """
    items = [services.BulkItem(one.request_id, one.version, one.value) for one in body.answers]
    program = program_of(request)
    answer = services.Answer(
        comment=body.comment, channel=Api.name, address=address_of(request), program=program
    )
    return {"results": services.answer_many(items, by=request.user, answer=answer)}


@router.put(
    "/requests/{request_id}/snooze",
    response={200: SnoozeOut, **refusals(400, 403, 404, 409, 413, 422)},
    summary="Snooze a request",
)
def put_snooze(request: SignedIn, request_id: UUID, body: SnoozeIn) -> Snooze:
    """Hide the request from your inbox until a time; nothing changes for anybody else."""
    found = _find(request, request_id)
    return services.snooze_request(found.pk, by=request.user, until=body.until)


@router.delete(
    "/requests/{request_id}/snooze",
    response={204: None, **refusals(404)},
    summary="End a snooze",
)
def delete_snooze(request: SignedIn, request_id: UUID) -> Status[None]:
    """End your snooze, so that your inbox shows the request again."""
    services.wake_request(_find(request, request_id).pk, by=request.user)
    return Status(204, None)


@router.get(
    "/requests/{request_id}/draft",
    response={200: DraftOut, **refusals(404)},
    summary="Your draft of an answer",
)
def get_draft(request: SignedIn, request_id: UUID) -> Draft:
    """Return the draft of an answer that you have typed and not sent; 404 if there is no draft.

    Nobody else can read your draft.
    """
    draft = services.draft_of(_find(request, request_id).pk, by=request.user)
    if draft is None:
        raise Http404
    return draft


@router.put(
    "/requests/{request_id}/draft",
    response={
        200: DraftOut,
        409: DraftConflictOut,
        **refusals(400, 403, 404, 413, 422),
    },
    summary="Save a draft",
)
def put_draft(request: SignedIn, request_id: UUID, body: DraftIn) -> Draft | Status[dict[str, Any]]:
    """Save your draft of an answer.

    Send the version of the stored draft that you have seen. If the stored draft has another version
    by now, because it was changed in another window, the status is 409, and the response has both
    the stored draft and the one that you sent. To replace the stored draft, send your draft again
    with the version of the stored one.
    """
    found = _find(request, request_id)
    try:
        return services.save_draft(
            found.pk, by=request.user, values=body.values, version=body.version
        )
    except services.DraftConflictError as error:
        conflict = {"detail": str(error), "stored": error.draft, "sent": body.values}
        return Status(409, conflict)


@router.delete(
    "/requests/{request_id}/draft",
    response={204: None, **refusals(404)},
    summary="Discard a draft",
)
def delete_draft(request: SignedIn, request_id: UUID) -> Status[None]:
    """Delete your draft, if there is one."""
    services.drop_draft(_find(request, request_id).pk, by=request.user)
    return Status(204, None)


def _find(request: SignedIn, request_id: UUID) -> HumanRequest:
    return get_object_or_404(visible_requests(request.user), pk=request_id)
