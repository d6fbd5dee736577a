"""Sessions, their members and their messages over HTTP."""

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import File as NinjaFile
from ninja import Router, Status, UploadedFile

from chat import services
from chat.access import AccessCache, titles_for
from chat.feed import newest_messages
from chat.models import HumanRequest, Member, Message
from chat.parts import SessionPart, find_part
from chat.schemas import UploadedOut
from chat.services.messages import find_sent
from chat.session_schemas import (
    MemberIn,
    MemberOut,
    MemberPage,
    MessageIn,
    MessagePage,
    SentOut,
    SessionChangeIn,
    SessionIn,
    SessionOut,
    SessionPage,
    UnconfirmedOut,
)
from procedures.access import SignedIn, address_of, program_of
from procedures.api import INPUTS_BODY, start
from procedures.file_responses import FILE_ANSWER, file_response
from procedures.models import Run
from procedures.paging import PAGE, Limit, Page, page, page_size
from procedures.run_schemas import RunDetailOut
from procedures.schemas import KEY, Word, refusals

router = Router()


@router.get(
    "/sessions",
    response={200: SessionPage, **refusals(422)},
    summary="Sessions that you may see, most recently changed first",
)
def list_sessions(
    request: SignedIn, after: UUID | None = None, limit: Limit = PAGE
) -> dict[str, Any]:
    """List sessions, each with the newest entry that you may read."""
    size, sight = page_size(limit), AccessCache(request.user)
    rows = newest_messages(request.user, before=after, most=size + 1, sight=sight)
    shown = rows[:size]
    titles = titles_for(request.user, [row.session_id for row in shown], sight=sight)
    items = [
        {
            "id": row.session_id,
            "title": titles.get(row.session_id, ""),
            "is_private": row.session.is_private,
            "newest": row,
        }
        for row in shown
    ]
    return {"items": items, "next": shown[-1].pk if len(rows) > size else None}


@router.post(
    "/sessions",
    response={201: SessionOut, 200: SessionOut, **refusals(400, 413, 422)},
    summary="Open a session",
)
def create_session(request: SignedIn, body: SessionIn) -> Status[dict[str, Any]]:
    """Open a session without a run; you become a member of the session.

    If you have opened a session with the same `client_key` before, the status is 200, and the
    response is that session.
    """
    session, is_new = services.open_session(
        body.title,
        by=request.user,
        members=body.members,
        text=body.text,
        is_private=body.is_private,
        client_key=body.client_key,
    )
    return Status(201 if is_new else 200, _shown(_find(request, session.pk)))


@router.get(
    "/sessions/{session_id}", response={200: SessionOut, **refusals(404)}, summary="A session"
)
def get_session(request: SignedIn, session_id: UUID) -> dict[str, Any]:
    return _shown(_find(request, session_id))


@router.patch(
    "/sessions/{session_id}",
    response={200: SessionOut, **refusals(400, 403, 404, 413, 422)},
    summary="Rename a session, or change who may see it",
)
def update_session(request: SignedIn, session_id: UUID, body: SessionChangeIn) -> dict[str, Any]:
    """Change the title, or make the session private or public. Only members can do this."""
    _find(request, session_id)
    services.change_session(
        session_id, title=body.title, is_private=body.is_private, by=request.user
    )
    return _shown(_find(request, session_id))


@router.get(
    "/sessions/{session_id}/members",
    response={200: MemberPage, **refusals(403, 404, 422)},
    summary="The members of a session",
)
def list_members(
    request: SignedIn, session_id: UUID, after: int | None = None, limit: Limit = PAGE
) -> Page:
    """List the members in the order in which they joined; only members may read this."""
    if not _find(request, session_id).is_whole:
        raise services.NotMemberError("Only members of this session can list its members.")
    members = Member.objects.filter(session=session_id).select_related("user")
    return page(members, by="pk", after=after, limit=limit)


@router.post(
    "/sessions/{session_id}/members",
    response={201: MemberOut, 200: MemberOut, **refusals(400, 403, 404, 413, 422)},
    summary="Invite somebody",
)
def create_member(request: SignedIn, session_id: UUID, body: MemberIn) -> Status[Member]:
    """Make an active user a member, who may then read all entries and see the session's runs.

    The status is 200 if the user is a member already. Only members can invite users.
    """
    _find(request, session_id)
    person = services.find_person(body.user)
    member, is_new = services.invite(session_id, person, by=request.user)
    return Status(201 if is_new else 200, member)


@router.delete(
    "/sessions/{session_id}/members/{member_id}",
    response={204: None, **refusals(403, 404, 409, 422)},
    summary="Leave a session, or remove somebody",
)
def delete_member(
    request: SignedIn, session_id: UUID, member_id: int, *, confirm: bool = False
) -> Status[None]:
    """End your own membership, or that of somebody else.

    The member who has been in the session longest can remove others, and so can members who operate
    the procedure of a run in the session. If the last member leaves, nobody can read any more what
    people wrote in the session. The last member must therefore send `confirm=true`; otherwise, the
    status is 409.
    """
    _find(request, session_id)
    is_ended = services.remove_member(session_id, member_id, by=request.user, is_confirmed=confirm)
    if not is_ended:
        raise Http404
    return Status(204, None)


@router.get(
    "/sessions/{session_id}/messages",
    response={200: MessagePage, **refusals(404, 422)},
    summary="The transcript of a session",
)
def list_messages(
    request: SignedIn,
    session_id: UUID,
    before: int | None = None,
    after: int | None = None,
    limit: Limit = PAGE,
) -> Page:
    """List the entries that you may read: newest first or, with `after`, oldest first.

    `before` and `after` are numbers of changes: send the `seq` of an entry. Numbers that are
    missing between two entries belong to other changes of the session, or to entries that you may
    not read.
    """
    found = _find(request, session_id).messages.select_related("author", "person").defer("proof")
    if after is not None:
        return page(found, by="seq", after=after, limit=limit)
    return page(found, by="-seq", after=before, limit=limit)


@router.post(
    "/sessions/{session_id}/messages",
    response={201: SentOut, 200: SentOut, **refusals(400, 403, 404, 413), 422: UnconfirmedOut},
    summary="Write a message",
)
def create_message(request: SignedIn, session_id: UUID, body: MessageIn) -> Status[dict[str, Any]]:
    """Write to the members, reply to an entry, or answer a request in words.

    If you reply to a request, `reply` in the response says whether the text was an answer. A text
    that is no answer is still sent as a message. If the text could be understood in several ways,
    it isn't sent at first: the status is 422, and the response has the `value` of the answer that
    the text would give, and `confirms`. To give that answer, send the same text again with
    `confirms`.
    """
    part = _find(request, session_id)
    try:
        to, asked = part.find_addressed(body.reply_to)
    except Message.DoesNotExist:
        raise Http404 from None
    earlier = find_sent(part.session, body.client_key, by=request.user)
    if asked:
        echo = services.echo_of(asked, body.text, by=request.user, confirmed=body.confirms)
        if echo:
            return Status(422, _unconfirmed(echo))
    read = services.repeated_message_files if earlier else services.sent_message_files
    files = read(part.session, body.files, by=request.user)
    message = services.post_message(
        part.session,
        body.text,
        by=request.user,
        client_key=body.client_key,
        reply_to=to,
        steers=body.steers,
        files=files,
    )
    reply = _reply(request, asked, message.text) if asked and message.text else None
    run = services.run_addressed(to)
    unheard = services.why_unheard(run, request.user) if run and not message.delivery else ""
    sent = {"message": message, "reply": reply, "unheard": unheard}
    return Status(200 if earlier else 201, sent)


@router.post(
    "/sessions/{session_id}/procedures/{name}/runs",
    response={201: RunDetailOut, 200: RunDetailOut, **refusals(400, 403, 404, 413, 422, 429)},
    summary="Start a run in a session",
    openapi_extra=INPUTS_BODY,
)
def create_run(
    request: SignedIn, session_id: UUID, name: Word, idempotency_key: Word = KEY
) -> Status[Run]:
    """Start a run whose card appears in this session as your message.

    You become a member of the session. Therefore, only people who may read the whole session can do
    this. In all other respects, this is like `POST /api/procedures/{name}/runs`.
    """
    _find(request, session_id)
    return start(request, name, idempotency_key, place=services.place_in(session_id, request.user))


@router.post(
    "/sessions/{session_id}/files",
    response={201: UploadedOut, **refusals(400, 403, 404, 413, 422)},
    summary="Send a file for a message",
)
def create_message_file(
    request: SignedIn, session_id: UUID, file: Annotated[UploadedFile, NinjaFile()]
) -> Status[dict[str, Any]]:
    """Store a file (multipart/form-data, in the field `file`) and return a token for it.

    Then send the token in the `files` of a message; a message can have at most 10 files. The token
    is valid only for the person who sent the file, and only in this session. The token expires
    after a day, unless the site sets another time.
    """
    session = _find(request, session_id).session
    token = services.receive_message_file(session, file, by=request.user)
    stored = services.sent_message_file(session, token, by=request.user)
    assert stored
    return Status(201, {"token": token, **asdict(stored)})


@router.get(
    "/sessions/{session_id}/messages/{message_id}/files/{digest}",
    response={200: None, **refusals(404)},
    openapi_extra=FILE_ANSWER,
    summary="A file of a message",
)
def get_message_file(
    request: SignedIn, session_id: UUID, message_id: UUID, digest: Word
) -> HttpResponse:
    """Return the file of a message whose content has this digest.

    Browsers show pictures and download other files.
    """
    message = get_object_or_404(_find(request, session_id).messages, pk=message_id)
    file = services.find_message_file(message, digest)
    if file is None:
        raise Http404
    return file_response(file, may_be_shown=True)


def _reply(request: SignedIn, asked: HumanRequest, text: str) -> dict[str, Any]:
    done = services.reply(
        asked, text, by=request.user, address=address_of(request), program=program_of(request)
    )
    return {
        "request_id": asked.pk,
        "is_answer": done.response is not None,
        "value": done.response.plain_value if done.response else None,
        "reason": done.reason,
    }


def _unconfirmed(echo: services.UnconfirmedAnswer) -> dict[str, Any]:
    question = echo.request.asked
    meaning = question.rules.meaning_of(question, echo.value)
    words = f"Your message would answer the request with “{meaning}”. Confirm it to answer."
    return {"detail": words, "confirms": echo.token, "value": echo.value}


def _find(request: SignedIn, session_id: UUID) -> SessionPart:
    part = find_part(request.user, session_id)
    if part is None:
        raise Http404
    return part


def _shown(part: SessionPart) -> dict[str, Any]:
    session = part.session
    titles = titles_for(part.user, [session.pk], sight=AccessCache(part.user, runs=part.runs))
    return {
        "id": session.pk,
        "title": titles.get(session.pk, ""),
        "is_private": session.is_private,
        "is_whole": part.is_whole,
        "last_seq": session.last_seq,
        "created_at": session.created_at,
    }
