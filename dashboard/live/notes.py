"""Records about open sockets: people with an open page, used tokens, and unknown tokens."""

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
"""The seconds between two updates for the same person or token.

A person's presence counts for a minute.
"""
logger = logging.getLogger(__name__)


class Notes:
    """A writer of records about open sockets; its thread doesn't delay the checks of rights.

    On SQLite, the thread may wait for another writer for a long time.
    """

    def __init__(self) -> None:
        self._thread = DatabaseThread("notes")
        self._noted_at: dict[Hashable, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def note(self, sockets: Iterable[Socket]) -> None:
        """Record the people who have a page open, so that they get no mail, and the used tokens.

        A program's socket doesn't count as a page, because nobody looks at it.
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
        """Count an unknown token against the address from which it was sent."""
        if credential.is_token and refusal == UNKNOWN:
            self._begin(_count, credential.address)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._thread.close()

    def _due(self, keys: set[Any]) -> set[Any]:
        """Return the keys that weren't recorded recently, and remember that they are now."""
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
