"""The members of a session who have it open in any web process, and who are typing in it.

Nothing is stored. Each web process announces through Redis who has which sessions open in this
process: whenever that changes, and every 20 seconds. An announcement counts for 45 seconds, also in
the process that sent it. So without Redis, nobody is shown as present, and the announcements of a
killed process expire.
"""

import json
import logging
import secrets
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

import redis.asyncio

from procedures.conf import conf
from procedures.viewers import Key

CHANNEL = "countersign.together"
AGAIN, BELIEVED = 20.0, 45.0
"""The seconds between two announcements of a process, and those for which one counts."""
TYPING, TYPES_AGAIN = 6.0, 2.5
"""The seconds for which somebody counts as typing, and those between two announcements."""
MOST_HERE, MOST_TYPING = 20, 3
"""The maximum numbers of people that a frame names as present in a session, and as typing in it."""
PATIENCE = 0.5
logger = logging.getLogger(__name__)
Names = Mapping[Any, str]
"""The names of people, by the users' primary keys in JSON form, such as `{7: "alice"}`."""


class Announcements:
    """The announcements of all web processes, and the connection for those of this process."""

    def __init__(self) -> None:
        self.process = secrets.token_hex(8)
        self._client: redis.asyncio.Redis | None = None
        self._here: dict[UUID, dict[str, tuple[float, Names]]] = defaultdict(dict)
        self._typing: dict[UUID, dict[Any, tuple[float, str]]] = defaultdict(dict)
        self._typed_at: dict[tuple[UUID, Key], float] = {}

    async def announce(self, here: Mapping[UUID, Names]) -> None:
        """Announce who has each session open in this process.

        `here[session]` has the names of these people, or is `{}` if nobody has the session open any
        more.
        """
        sessions = {str(session): list(names.items()) for session, names in here.items()}
        await self._publish({"from": self.process, "here": sessions})

    async def type(self, session: UUID, key: Any, name: str) -> None:
        """Announce that somebody is typing, at most once every `TYPES_AGAIN` seconds."""
        now = time.monotonic()
        self._typed_at = {one: at for one, at in self._typed_at.items() if at > now - TYPES_AGAIN}
        if (session, key) in self._typed_at:
            return
        self._typed_at[session, key] = now
        await self._publish({"from": self.process, "typing": [str(session), key, name]})

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    def hear(self, announcement: Mapping[str, Any]) -> tuple[set[UUID], set[UUID]]:
        """Take an announcement.

        Return the sessions whose people have changed, and the newly opened sessions.

        A newly opened session is one that nobody had open in the sending process before. That
        process doesn't know yet who has the session open in this process.
        """
        now, process = time.monotonic(), str(announcement["from"])
        if "typing" in announcement:
            session, key, name = announcement["typing"]
            self._typing[UUID(session)][key] = (now + TYPING, name)
            return {UUID(session)}, set()
        changed, opened = set[UUID](), set[UUID]()
        for text, people in announcement["here"].items():
            session, names = UUID(text), dict(people)
            known = self._here[session]
            if known.get(process, (0.0, {}))[1] != names:
                changed.add(session)
            if names and process not in known and process != self.process:
                opened.add(session)
            known[process] = (now + BELIEVED, names)
            if not names:
                del known[process]
            if not known:
                del self._here[session]
        return changed, opened

    def people_in(self, session: UUID) -> dict[str, Any]:
        """Return who has a session open, and who is typing in it, as a part of a frame."""
        now = time.monotonic()
        here: dict[Any, str] = {}
        for until, names in self._here.get(session, {}).values():
            here |= names if until > now else {}
        found = self._typing.pop(session, {})
        if now_typing := {key: one for key, one in found.items() if one[0] > now}:
            self._typing[session] = now_typing
        typing = [(key, name) for key, (_, name) in now_typing.items()]
        return {
            "here": {"named": _sorted(here.items())[:MOST_HERE], "count": len(here)},
            "typing": typing[:MOST_TYPING],
        }

    def forget(self, session: UUID) -> None:
        """Forget all announcements about a session that nobody has open in this process."""
        self._here.pop(session, None)
        self._typing.pop(session, None)

    def keep(self, sessions: Collection[UUID]) -> None:
        """Forget all announcements about sessions other than these."""
        for session in self._here.keys() - set(sessions):
            self.forget(session)

    async def _publish(self, content: Mapping[str, Any]) -> None:
        if self._client is None:
            self._client = redis.asyncio.from_url(
                conf.REDIS_URL, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
            )
        try:
            await self._client.publish(CHANNEL, json.dumps(content))
        except (redis.RedisError, OSError) as error:
            logger.debug("Other processes can't be told who is in which session: %s", error)


def _sorted(people: Iterable[tuple[Any, str]]) -> list[tuple[Any, str]]:
    return sorted(people, key=lambda one: one[1].casefold())
