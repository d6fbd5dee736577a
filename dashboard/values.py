"""What an environment variable may hold; a refusal says what is wanted and repeats no secret."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import dj_database_url
from pydantic import AfterValidator, SecretStr

SHORTEST_SECRET = 32


def must(be: str, holds: Callable[[Any], object]) -> AfterValidator:
    def check(value: Any) -> Any:
        if not holds(value):
            raise ValueError(f"must be {be}")
        return value

    return AfterValidator(check)


def split_words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def is_long(secret: SecretStr) -> bool:
    return len(secret) >= SHORTEST_SECRET


def names_a_database(url: str) -> bool:
    try:
        return bool(dj_database_url.parse(url)["NAME"])
    except (ValueError, KeyError):
        return False


def is_url(*schemes: str) -> Callable[[str], bool]:
    def holds(text: str) -> bool:
        url = urlsplit(text)
        return url.scheme in schemes and bool(url.netloc or url.path)

    return holds


Secret = Annotated[SecretStr, must(f"at least {SHORTEST_SECRET} characters long", is_long)]
Hosts = Annotated[str, must("names separated by commas", split_words)]
SiteUrl = Annotated[str, must("like https://name", is_url("http", "https"))]
DatabaseUrl = Annotated[str, must("like postgres://user:password@host/name", names_a_database)]
RedisUrl = Annotated[str, must("like redis://host:6379/0", is_url("redis", "rediss", "unix"))]
BrokerUrl = Annotated[str, must("like amqp://user:password@host/name", lambda url: "://" in url)]
Zone = Annotated[str, must("like Europe/Berlin", available_timezones().__contains__)]
Folder = Annotated[Path, AfterValidator(Path.absolute)]
