"""Addresses of servers and hosts in environment variables."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

HOST = re.compile(r"\*|\.?[\w-]+(\.[\w-]+)*|\[[0-9a-fA-F:.]+\]")
BROKERS = ("amqp", "amqps", "pyamqp", "redis", "rediss", "redis+socket")


def split_words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def is_url(*schemes: str) -> Callable[[str], bool]:
    def holds(text: str) -> bool:
        url = urlsplit(text)
        return url.scheme in schemes and url.port != 0 and bool(url.hostname or url.path)

    return holds


def are_brokers(text: str) -> bool:
    """Return True for an address of a broker, or for several, separated by semicolons.

    Celery connects to the next one if a broker fails.
    """
    return all(map(is_url(*BROKERS), text.split(";")))


def is_site(text: str) -> bool:
    """Return True for an address to which paths can be added: a name, and maybe a path."""
    url = urlsplit(text)
    more = url.query or url.fragment or url.username or any(map(str.isspace, text))
    return is_url("http", "https")(text) and bool(url.hostname) and not more


def is_redis(text: str) -> bool:
    """Return True for an address of a Redis; a number of a database is all that may follow it."""
    is_socket = is_url("unix")(text)
    database = urlsplit(text).path.strip("/")
    is_server = is_url("redis", "rediss")(text) and database.isdecimal() == bool(database)
    return is_socket or is_server


def are_hosts(text: str) -> bool:
    """Return True for names or addresses of hosts, without a scheme, a port or a path."""
    found = split_words(text)
    return bool(found) and all(map(HOST.fullmatch, found))


def broker_of(redis_url: str) -> str:
    """Return a Redis URL in Celery's notation, in which a socket's URL begins redis+socket://."""
    if not redis_url.startswith("unix://"):
        return redis_url
    return redis_url.replace("unix://", "redis+socket://", 1).replace("?db=", "?virtual_host=")
