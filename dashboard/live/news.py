"""The people who have new messages in sessions, found for many changes at once."""

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
"""The maximum time between the insertion of a session's change and its commit, in seconds."""


def chat_frame(user: User) -> dict[str, Any]:
    """Return the frame of the stream `chat` for one person."""
    return frame_of(unread_of([user.pk])[user.pk])


def frame_of(unread: Mapping[UUID, int]) -> dict[str, Any]:
    """Return a frame with the sessions that have new messages.

    For each session, the frame has the number of the newest message.

    The frame has at most 100 sessions. The number 100 means "more than 99".
    """
    named = {str(session): seq for session, seq in sorted(unread.items())[:MOST]}
    return {"seq": 0, "unread": len(named), "sessions": named}


def session_in(name: str) -> UUID | None:
    """Return the session of a hint such as "session:<id>", which says that somebody has written.

    Also accept a hint that somebody has read messages in a session. Return None for any other hint.
    """
    kind, _, rest = name.partition(":")
    if kind not in ("session", READ.rstrip(":")):
        return None
    return UUID(rest.partition(":")[0])


class ChatUpdates(NamedTuple):
    """The people to notify of new messages, and the frames for them."""

    concerned: set[Key]
    frames: dict[Key, dict[str, Any]]


class ChatNews:
    """A reader of new messages.

    Each call of `read` returns who is affected by changes since the last call.
    """

    def __init__(self) -> None:
        messages = SessionEvent.objects.filter(kind="message")
        self._tail = Tail(messages, "session", lag=SLOWEST_MESSAGE)
        self._changed: set[UUID] = set()
        """The sessions that have changed since people were last notified."""
        self._known: dict[Key, dict[UUID, int]] = {}
        """The sessions in which each person had new messages at the last count."""

    def read(
        self,
        sessions: Collection[UUID],
        among: Collection[Key],
        *,
        also: Collection[Key] = (),
        is_check: bool = False,
    ) -> ChatUpdates:
        """Return the people who have more or fewer new messages than at the last call, and frames.

        `also` are people with a new page: they get a frame in any case, and all their sessions are
        read. For all others, only `sessions` are read. With `is_check`, sessions whose hints were
        lost are also found. The number of queries depends neither on the number of sessions nor on
        the number of people.
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
        notified = concerned.union(also)
        return ChatUpdates(concerned, {key: frame_of(self._known[key]) for key in notified})
