"""What is recorded of open sockets: who has a page open, which tokens are used, and guesses."""

import asyncio
import time
from collections.abc import Callable, Hashable, Iterable
from contextlib import suppress
from typing import Any

from chat.services import note_presences
from dashboard.http.throttle import TooManyAttemptsError, refuse_token
from dashboard.live.credentials import UNKNOWN, Credential, Refusal
from dashboard.live.socket import Socket
from dashboard.live.threads import DatabaseThread
from dashboard.models import ApiToken

EVERY = 50.0
"""Seconds between two updates for the same person or token; a person's presence counts for a
minute."""


class Notes:
    """The notes about open sockets, written by a thread that no check of rights waits for.

    On SQLite, this thread may wait long for another writer.
    """

    def __init__(self) -> None:
        self._thread = DatabaseThread("notes")
        self._noted_at: dict[Hashable, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def note(self, sockets: Iterable[Socket]) -> None:
        """Record who has a page open, so that no mail is sent to them, and which tokens are used.

        A program's socket is no page: nobody looks at it.
        """
        valid = [one for one in sockets if one.user]
        digests = {one.credential.key for one in valid if one.credential.is_token}
        pages = [one for one in valid if not one.credential.is_token and one.following]
        people = {one.user.pk for one in pages if one.user}
        due = self._due(people | digests)
        if people & due:
            self._begin(note_presences, sorted(people & due))
        if digests & due:
            self._begin(ApiToken.objects.filter(digest__in=digests & due).note_use)

    def note_refusal(self, credential: Credential, refusal: Refusal) -> None:
        """Count an unknown token against the address that it was sent from."""
        if credential.is_token and refusal == UNKNOWN:
            self._begin(_count, credential.address)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._thread.close()

    def _due(self, keys: set[Any]) -> set[Any]:
        """Return those of the keys that weren't noted recently, and note them."""
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
        await self._thread.run(work, *args)


def _count(address: str) -> None:
    with suppress(TooManyAttemptsError):
        refuse_token(address)
