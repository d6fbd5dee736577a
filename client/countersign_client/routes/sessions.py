"""Chat sessions, messages and the search."""

from collections.abc import Sequence
from uuid import uuid4

from countersign_client.calls import Call, path
from countersign_client.reading import one, page_of
from countersign_client.results.pages import Page
from countersign_client.results.sessions import Hit, Message, Sent, Session, SessionRow


def list_sessions(*, after: str | None = None, limit: int = 50) -> Call[Page[SessionRow]]:
    """Return a page of sessions, most recently changed first."""
    where = {"after": after, "limit": limit}
    return Call(method="GET", path="sessions", read=page_of(SessionRow), params=where)


def open_session(
    title: str,
    *,
    members: Sequence[str] = (),
    text: str = "",
    is_private: bool = False,
    key: str = "",
) -> Call[Session]:
    """Open a session without a run, and return it.

    If the `key`, of at most 64 characters, was used before, this returns the session that was
    opened with it.
    """
    sent = {"title": title, "members": list(members), "text": text, "is_private": is_private}
    return Call(
        method="POST",
        path="sessions",
        read=one(Session),
        body={**sent, "client_key": key or str(uuid4())},
        is_repeatable=True,
    )


def get_session(session_id: str) -> Call[Session]:
    """Return a session."""
    return Call(method="GET", path=path("sessions", session_id), read=one(Session))


def list_messages(
    session_id: str,
    *,
    before: int | None = None,
    after: int | None = None,
    limit: int = 50,
) -> Call[Page[Message]]:
    """Return a page of a transcript: newest message first or, with `after`, oldest first.

    `before` and `after` are the `seq` of a message: only messages with a lower or a higher one are
    returned.
    """
    where = {"before": before, "after": after, "limit": limit}
    return Call(
        method="GET",
        path=path("sessions", session_id, "messages"),
        read=page_of(Message),
        params=where,
    )


def send_message(
    session_id: str,
    text: str,
    *,
    reply_to: str | None = None,
    confirms: str = "",
    key: str = "",
) -> Call[Sent]:
    """Post a message in a session, as a reply if `reply_to` is given.

    `reply_to` is the id of an entry of the transcript, a run or a request. If the `key`, of at most
    64 characters, was used before, this returns the message that was sent with it. Raises
    `InvalidError` if the text could mean several answers to the request. To give the answer in the
    error's `value`, send the same text again with the error's `confirms`.
    """
    return Call(
        method="POST",
        path=path("sessions", session_id, "messages"),
        read=one(Sent),
        body={
            "text": text,
            "reply_to": reply_to,
            "confirms": confirms,
            "client_key": key or str(uuid4()),
        },
        is_repeatable=True,
    )


def search(
    q: str,
    *,
    kind: str | None = None,
    session: str | None = None,
    after: int | None = None,
    limit: int = 20,
) -> Call[Page[Hit]]:
    """Return a page of the texts of people and runs that contain each word of `q`, newest first."""
    where = {"q": q, "kind": kind, "session": session, "after": after, "limit": limit}
    return Call(method="GET", path="search", read=page_of(Hit), params=where)
