"""Hints that a live stream has changed, published through Redis.

A hint carries no data, may be lost, and never blocks its sender. A follower that misses one finds
the change when it next checks the stream.
"""

import json
import logging
import os
import queue
import threading
import time
from collections.abc import Iterator

import redis
from django.db import transaction

from procedures.conf import conf

CHANNEL = "countersign.doorbell"
RIGHTS = "rights"
"""The hint that rights, sign-ins or tokens have changed."""
SIGHT = "sight"
"""The hint that other people are asked now, and so may see other runs and sessions."""
GATHER = 0.05
"""The minimum seconds between two messages; hints that arrive in between are sent as one."""
TOGETHER = 0.002
"""The number of seconds that a hint waits for others from the same commit."""
PATIENCE = 0.5
logger = logging.getLogger(__name__)


class Doorbell:
    """A thread that collects hints and sends them over one persistent connection."""

    def __init__(self) -> None:
        self._streams: queue.SimpleQueue[tuple[str, ...]] = queue.SimpleQueue()
        self._has_begun = False
        os.register_at_fork(after_in_child=self._begin_anew)

    def ring(self, *streams: str) -> None:
        """Announce that streams have changed; this costs one `put` on a queue."""
        self._streams.put(streams)
        if self._has_begun:
            return
        try:
            threading.Thread(target=self._send_all, name="doorbell", daemon=True).start()
        except RuntimeError as error:  # as many threads as there may be: the next one tries again
            logger.warning("Open pages can't be told that something changed: %s", error)
            return
        # Only now, or a process that once had no thread to spare would never send a hint again. Two
        # threads of callers that begin at once do no harm: each hint is sent by one of them.
        self._has_begun = True

    def _begin_anew(self) -> None:
        """Let the next hint start a new thread, because a fork doesn't copy threads."""
        self._has_begun = False

    def _send_all(self) -> None:
        client = redis.Redis.from_url(
            conf.REDIS_URL, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
        )
        for streams in self._gathered():
            try:
                client.publish(CHANNEL, json.dumps(sorted(streams)))
            except redis.RedisError as error:
                logger.debug("The change to %s couldn't be announced: %s", streams, error)

    def _gathered(self) -> Iterator[set[str]]:
        sent_at = 0.0
        while True:
            streams = set(self._streams.get())
            # Hints are collected only after others were sent: the first one of a quiet site, or of
            # one that has a change every now and then, is sent at once.
            time.sleep(max(sent_at + GATHER - time.monotonic(), TOGETHER))
            while not self._streams.empty():
                streams.update(self._streams.get())
            yield streams
            sent_at = time.monotonic()


doorbell = Doorbell()


def ring_after_commit(*names: str) -> None:
    transaction.on_commit(lambda: doorbell.ring(*names))
