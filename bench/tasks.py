"""A bare task, and the function by which code in a worker tells a benchmark the time."""

import time
from functools import cache

import redis
from celery import shared_task

from procedures.conf import conf

TOLD = "bench.told"


@shared_task(name="bench.start")
def start() -> None:
    tell_time()


def tell_time() -> None:
    now = time.time()
    redis_client().lpush(TOLD, now)


@cache
def redis_client() -> "redis.Redis":
    return redis.Redis.from_url(conf.REDIS_URL)
