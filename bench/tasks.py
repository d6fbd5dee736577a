"""A bare task in the product's own worker that reports when it began."""

import time

import redis
from celery import shared_task

from procedures.conf import conf

STARTED = "bench.started"


@shared_task(name="bench.start")
def start() -> None:
    redis.Redis.from_url(conf.REDIS_URL).lpush(STARTED, time.time())
