"""A bare task in the product's own worker that reports when it began."""

import time

import redis
from celery import shared_task
from django.conf import settings

STARTED = "bench.started"


@shared_task(name="bench.start")
def start() -> None:
    redis.Redis.from_url(settings.REDIS_URL).lpush(STARTED, time.time())
