"""Reports that processes give about themselves, stored in Redis until they expire."""

import logging
import os
import socket
import threading
from collections.abc import Sequence
from typing import Any

import redis

from procedures.conf import conf

LASTS = 30
"""Seconds after which a report expires unless its process repeats it."""
PATIENCE = 0.2
"""Seconds to wait for a response of Redis."""
logger = logging.getLogger(__name__)


class Reports:
    """The latest reports of processes of one kind, such as workers; each process has one report."""

    def __init__(self, name: str) -> None:
        self.name = name
        """The name of the Redis set that lists the keys of the reports."""

    def tell(self, process: int, text: str) -> None:
        """Store a text as the report of the process with this id on this host. Never raises."""
        key = self._key_of(process)
        try:
            with kept_redis().pipeline() as several:
                several.set(key, text, ex=LASTS)
                several.sadd(self.name, key)
                several.execute()
        except redis.RedisError as error:
            logger.debug("Process %s couldn't report to %s: %s", process, self.name, error)

    def keep(self, process: int) -> None:
        """Extend the life of the process's report without changing its text. Never raises."""
        try:
            kept_redis().expire(self._key_of(process), LASTS)
        except redis.RedisError as error:
            logger.debug("Process %s couldn't report to %s: %s", process, self.name, error)

    def read(self, client: redis.Redis) -> list[str]:
        """Return the reports that haven't expired; may raise `redis.RedisError`."""
        keys: list[Any] = sorted(client.smembers(self.name))
        texts: list[Any] = client.mget(keys) if keys else []
        reported = dict(zip(keys, texts, strict=True))
        # The members of a set don't expire by themselves, so those whose report has expired are
        # removed here.
        if gone := [key for key, text in reported.items() if text is None]:
            client.srem(self.name, *gone)
        return [text.decode() for text in reported.values() if text is not None]

    def _key_of(self, process: int) -> str:
        return f"{self.name}:{socket.gethostname()}:{process}"


class _Kept(threading.local):
    def __init__(self) -> None:
        self.clients: dict[tuple[int, float], redis.Redis] = {}
        """The connections of this thread, keyed by the process's id and their timeout."""
        self.connections: dict[int, Any] = {}
        """The connection of this thread without a client, keyed by the process's id."""
        self.is_unread = False
        """True if the reply to the last command over that connection hasn't been read."""


_kept = _Kept()


def kept_redis(patience: float = PATIENCE) -> redis.Redis:
    """Return this thread's Redis connection; a forked process opens a new one.

    A response that takes longer than `patience`, in seconds, is an error.
    """
    # If two processes shared one socket, they would read each other's responses.
    key = (os.getpid(), patience)
    if (found := _kept.clients.get(key)) is None:
        found = _kept.clients[key] = redis.Redis.from_url(
            conf.REDIS_URL, socket_timeout=patience, socket_connect_timeout=patience
        )
    return found


def ask_redis(*command: str | int, is_repeatable: bool = True) -> Any:
    """Send a command over a connection of this thread, and return the reply.

    If the connection is closed meanwhile, the command is sent once more. Unless it is repeatable,
    this raises an error instead, because Redis may have executed it. Raises `redis.RedisError`. Use
    this where an answered run waits: a client of redis-py takes five times as long as its
    connection.
    """
    return SentCommand(command, is_repeatable=is_repeatable).reply()


def bare_connection() -> Any:
    """Return this thread's connection without a client; a forked process opens a new one."""
    if (found := _kept.connections.get(os.getpid())) is None:
        found = _kept.connections[os.getpid()] = kept_redis().connection_pool.make_connection()
    return found


class SentCommand:
    """A command that is sent to Redis at once, as by `ask_redis`, and whose reply is read later.

    The thread must read the reply before it sends another command, or never.
    """

    def __init__(self, command: Sequence[str | int], *, is_repeatable: bool = True) -> None:
        self._command, self._tries = command, 2 if is_repeatable else 1
        self._connection = bare_connection()
        if _kept.is_unread:  # that reply would be read instead of this command's
            self._connection.disconnect()
        _kept.is_unread = True
        self._error: redis.RedisError | None = None
        self._send()

    def reply(self) -> Any:
        """Wait for the reply and return it; raises `redis.RedisError`. Call this only once."""
        while True:
            if self._error is None:
                try:
                    found = self._connection.read_response()
                except redis.ConnectionError as error:  # Redis may close what nobody uses
                    self._note(error)
                    continue
                except redis.ResponseError:
                    _kept.is_unread = False
                    raise
                _kept.is_unread = False
                return found
            if not self._tries:
                raise self._error
            self._send()

    def _send(self) -> None:
        self._tries, self._error = self._tries - 1, None
        try:
            self._connection.send_command(*self._command)
        except redis.RedisError as error:
            self._note(error)

    def _note(self, error: redis.RedisError) -> None:
        self._connection.disconnect()
        self._error = error
        if not isinstance(error, redis.ConnectionError):  # Redis is slow, or can't be reached
            self._tries = 0
