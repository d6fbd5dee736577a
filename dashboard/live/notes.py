"""Records about open sockets: who has a page open, and which tokens were used or are unknown."""

import asyncio
import logging
import time
from collections.abc import Callable, Hashable, Iterable
from contextlib import suppress
from typing import Any

from django.db import DatabaseError

from chat.services import note_presences
from dashboard.http.throttle import TooManyAttemptsError, refuse_token
from dashboard.live.credentials import UNKNOWN, Credential, Refusal
from dashboard.live.socket import Socket
from dashboard.live.threads import DatabaseThread
from dashboard.models import ApiToken

EVERY = 50.0
"""The seconds between two records about the same person or token.

A person counts as present for a minute after a record.
"""
logger = logging.getLogger(__name__)


class Notes:
    """A writer of records about open sockets, which has a thread of its own.

    On SQLite, a write may wait for another writer for a long time. In a thread of its own, such a
    write doesn't delay the checks of rights.
    """

    def __init__(self) -> None:
        self._thread = DatabaseThread("notes")
        self._noted_at: dict[Hashable, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def note(self, sockets: Iterable[Socket]) -> None:
        """Record who has a page open and which tokens are in use.

        People who have a page open get no mail. A program's socket doesn't count as a page, because
        nobody looks at it.
        """
        valid = [one for one in sockets if one.user]
        digests = {one.credential.key for one in valid if one.credential.is_token}
        pages = [one for one in valid if not one.credential.is_token and one.following]
        people = {one.user.pk for one in pages if one.user}
        due = self._due(people | digests)
        if people & due:
            self._begin(note_presences, sorted(people & due))
        if digests & due:
            self._begin(ApiToken.objects.among(digests & due).note_use)

    def note_refusal(self, credential: Credential, refusal: Refusal) -> None:
        """Count an attempt with an unknown token against the address from which it came."""
        if credential.is_token and refusal == UNKNOWN:
            self._begin(_count, credential.address)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._thread.close()

    def _due(self, keys: set[Any]) -> set[Any]:
        """Return the keys for which no record was made recently, and note that one is made now."""
        now = time.monotonic()
        noted = {key: at for key, at in self._noted_at.items() if now - at < EVERY}
        due = keys - noted.keys()
        self._noted_at = noted | dict.fromkeys(due, now)
        return due

    def _begin(self, work: Callable[..., object], *args: Any) -> None:
        task = asyncio.create_task(self._do(work, *args))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _do(self, work: Callable[..., object], *args: Any) -> None:
        try:
            await self._thread.run(work, *args)
        except DatabaseError:
            logger.exception("A record about open pages or programs couldn't be written.")


def _count(address: str) -> None:
    with suppress(TooManyAttemptsError):
        refuse_token(address)
