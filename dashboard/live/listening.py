"""The connection by which a web process gets the announcements of changes from Redis."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import redis.asyncio

from chat.doorbell import CHANNEL
from dashboard.live.people import CHANNEL as PEOPLE
from procedures.conf import conf
from procedures.live_texts import CHANNEL as TEXTS

PAUSE = 1.0
"""The seconds that a process waits before it tries to reach Redis again."""
logger = logging.getLogger(__name__)
Hear = Callable[[Iterable[str]], None]
Notice = Callable[[Mapping[str, Any]], None]


async def listen(hear: Hear, notice: Notice) -> None:
    """Call `hear` with the names of changed objects, such as "run:<id>", that Redis announces.

    Call `notice` with each announcement of the people who have sessions open. If Redis can't be
    reached, try again until the task is cancelled.
    """
    while True:
        try:
            await _hear_all(hear, notice)
        except (redis.RedisError, OSError, ValueError) as error:
            logger.debug("Redis can't be reached, so pages learn of changes later: %s", error)
            await asyncio.sleep(PAUSE)


async def _hear_all(hear: Hear, notice: Notice) -> None:
    client = redis.asyncio.from_url(conf.REDIS_URL)
    async with client, client.pubsub() as subscription:
        await subscription.subscribe(CHANNEL, TEXTS, PEOPLE)
        # redis-py loses a cancel that comes while it connects, and would listen forever.
        if (task := asyncio.current_task()) and task.cancelling():
            raise asyncio.CancelledError
        async for message in subscription.listen():
            if message["type"] == "message":
                take = notice if message["channel"] == PEOPLE.encode() else hear
                try:
                    take(json.loads(message["data"]))
                # Another release may send messages in another form: they must not end this task,
                # by which this process learns of everything else.
                except Exception:
                    logger.exception("A message from Redis couldn't be read, so it is ignored.")
