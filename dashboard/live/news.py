"""The people for whom something is new in the chat, found for many changes together."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from chat.models import SessionEvent
from chat.unread import READ, unread_in, unread_of
from dashboard.live.tails import Tail
from procedures.users import User
from procedures.viewers import Key

MOST = 100
SLOWEST_MESSAGE = 10.0
"""The maximum seconds between the times a session's change gets its key and is committed."""


def chat_frame(user: User) -> dict[str, Any]:
    """Return the frame of the stream `chat` for one person."""
    return frame_of(unread_of([user.pk])[user.pk])


def frame_of(unread: Mapping[UUID, int]) -> dict[str, Any]:
    """Return a frame with the sessions in which something is new, and their newest messages.

    There are at most 100 of them; 100 means "more than 99".
    """
    named = {str(session): seq for session, seq in sorted(unread.items())[:MOST]}
    return {"seq": 0, "unread": len(named), "sessions": named}


def session_in(name: str) -> UUID | None:
    """Return the session of a hint that somebody has written or read; None for any other hint."""
    kind, _, rest = name.partition(":")
    if kind not in ("session", READ.rstrip(":")):
        return None
    return UUID(rest.partition(":")[0])


class ChatTold(NamedTuple):
    """The people to notify, with their frames."""

    concerned: set[Key]
    frames: dict[Key, dict[str, Any]]


class ChatNews:
    """A reader of what is new in sessions since it was last called."""

    def __init__(self) -> None:
        messages = SessionEvent.objects.filter(kind="message")
        self._tail = Tail(messages, "session", lag=SLOWEST_MESSAGE)
        self._changed: set[UUID] = set()
        """The changed sessions about which nobody has been notified yet."""
        self._known: dict[Key, dict[UUID, int]] = {}
        """The new messages of each person at the last look."""

    def read(
        self,
        sessions: Collection[UUID],
        among: Collection[Key],
        *,
        also: Collection[Key] = (),
        is_check: bool = False,
    ) -> ChatTold:
        """Return the people with more or fewer new messages than before, and frames for them.

        Only `sessions` are read, but all sessions for `also`, the people with a new page. With
        `is_check`, changed sessions are also found if their hints were lost. The number of
        statements depends neither on the sessions nor on the people.
        """
        self._changed |= {*sessions, *(self._tail.read() if is_check else ())}
        changed, new = self._changed, {*also, *({*among} - self._known.keys())}
        earlier = {key: self._known.get(key, {}) for key in among}
        known = {**earlier, **(unread_of(new) if new else {})}
        if changed and (rest := {*among} - new):
            for key, found in unread_in(changed, rest).items():
                kept = {one: seq for one, seq in known[key].items() if one not in changed}
                known[key] = kept | found
        # Last: whatever fails before is tried again.
        self._changed, self._known = set(), known
        concerned = {key for key in among if self._known[key] != earlier[key]}
        told = concerned.union(also)
        return ChatTold(concerned, {key: frame_of(self._known[key]) for key in told})
