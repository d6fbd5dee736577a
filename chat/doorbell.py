"""Hints that a live stream has changed, published through Redis.

A live stream is a numbered sequence of changes that open pages follow, for example the changes of
one session. A hint names the stream and carries no data. A hint can be lost, and never blocks the
process that sends it. A page that misses a hint finds the change when it next checks the stream.
"""

import json
import logging
import time
from collections.abc import Iterator

import redis
from django.db import transaction

from procedures.background import Background
from procedures.conf import conf

CHANNEL = "countersign.doorbell"
RIGHTS = "rights"
"""The hint that somebody's rights, a sign-in or a token has changed."""
SIGHT = "sight"
"""The hint that some requests now ask other people.

These people may therefore see other runs and sessions than before.
"""
ANNOUNCEMENTS = "announcements"
"""The hint that the site's announcements have changed."""
GATHER = 0.05
"""The minimum number of seconds between two messages to Redis.

Hints that arrive in between are collected and sent together in the next message.
"""
TOGETHER = 0.002
"""The number of seconds that a hint is held back, so that hints of the same commit go together."""
PATIENCE = 0.5
logger = logging.getLogger(__name__)


class Doorbell(Background[tuple[str, ...]]):
    """A thread that collects hints and sends them over one persistent connection."""

    name = "doorbell"
    failure = "Open pages can't be notified of changes: %s"

    def ring(self, *streams: str) -> None:
        """Announce that these streams have changed.

        This takes no time, because the names of the streams are only put on the thread's queue.
        """
        self.put(streams)

    def work(self) -> None:
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
            streams = set(self.queue.get())
            # Hints are collected only after others have been sent. So the first hint after a pause
            # is sent at once.
            time.sleep(max(sent_at + GATHER - time.monotonic(), TOGETHER))
            while not self.queue.empty():
                streams.update(self.queue.get())
            yield streams
            sent_at = time.monotonic()


doorbell = Doorbell()


def ring_after_commit(*names: str) -> None:
    transaction.on_commit(lambda: doorbell.ring(*names))
