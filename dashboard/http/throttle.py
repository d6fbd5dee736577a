"""Limits on the number of attempts to guess names, passwords, links and tokens.

Failed attempts are counted by address, and all attempts with a name by this name. The counts are in
Redis, so that all processes share them. If Redis can't be reached, each process counts by itself.
So the limits still apply, and nobody is locked out.
"""

import hashlib
import ipaddress
import logging
import time
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

from django.http import HttpRequest
from django.utils.translation import gettext as _
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter

from procedures.access import address_of
from procedures.conf import conf

NETWORK_BITS = 64
"""The number of bits of an IPv6 address that identify a network.

A client in this network can choose the remaining bits, so its attempts are counted by network.
"""
PREFIX = "countersign.attempts"
UNKNOWN = "unknown"
"""The address that stands for all clients without an address."""
logger = logging.getLogger(__name__)


class TooManyAttemptsError(Exception):
    """The error after too many failed attempts; `seconds` is how long the client has to wait."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(_("Too many attempts. Wait a while, then try again."))


@dataclass(frozen=True)
class Attempt:
    """One attempt to authenticate: the client's address, the way to sign in, and a name, if any."""

    address: str
    door: str
    name: str = ""

    @classmethod
    def by(cls, request: HttpRequest, door: str, name: str = "") -> Self:
        """Return the attempt that a request makes.

        `door` is the way to sign in, such as "API token".
        """
        return cls(address_of(request) or UNKNOWN, door, name)

    def begin(self) -> None:
        """Count the attempt against its name. Check that the address hasn't had too many failures.

        Raises `TooManyAttemptsError` if there were too many attempts with the name, or too many
        failures from the address. The attempt is counted before any secret is compared, so that
        simultaneous attempts can't exceed the limit. `succeed` resets the count of the name.
        """
        item, key = parse(conf.ATTEMPTS_PER_ADDRESS), self._address_key
        # This only tests the count: only failures count against an address, so that many people
        # behind one address can sign in.
        if not ask("test", item, key):
            raise self._refusal(item, key)
        if self.name and not ask("hit", *self._by_name):
            raise self._refusal(*self._by_name)

    def fail(self) -> None:
        """Count a failed attempt against the client's address, and log it."""
        ask("hit", parse(conf.ATTEMPTS_PER_ADDRESS), self._address_key)
        who = f" as {self.name!r}" if self.name else ""
        logger.warning("Failed %s%s from %s.", self.door, who, self.address)

    def is_over(self) -> bool:
        """Return True if too many attempts from the client's address have failed."""
        return not ask("test", parse(conf.ATTEMPTS_PER_ADDRESS), self._address_key)

    def succeed(self) -> None:
        ask("clear", *self._by_name)

    def _refusal(self, item: RateLimitItem, key: str) -> TooManyAttemptsError:
        who = f" as {self.name!r}" if self.name else ""
        logger.warning("Refused %s%s from %s: too many failures.", self.door, who, self.address)
        return TooManyAttemptsError(seconds_until_free(item, key))

    @property
    def _address_key(self) -> str:
        return f"{self.door}:address:{network_of(self.address)}"

    @property
    def _by_name(self) -> tuple[RateLimitItem, str]:
        # All spellings of a name share one count, or a guesser would get more attempts by changing
        # the spelling. The name is hashed, because somebody may type a password in its place.
        plain = unicodedata.normalize("NFKC", self.name).casefold()
        digest = hashlib.sha256(plain.encode(errors="replace")).hexdigest()
        return parse(conf.ATTEMPTS_PER_NAME), f"{self.door}:name:{digest}"


def refuse_token(address: str) -> None:
    """Count an attempt with an unknown token against the client's address.

    Raises `TooManyAttemptsError` if there were too many such attempts. Valid tokens from this
    address still work.
    """
    attempt = Attempt(address or UNKNOWN, "API token")
    attempt.begin()
    attempt.fail()


def network_of(address: str) -> str:
    """Return the network of an IPv6 address, or an IPv4 address unchanged."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4 or getattr(found, "ipv4_mapped", None):  # noqa: PLR2004
        return str(getattr(found, "ipv4_mapped", None) or found)
    return str(ipaddress.ip_network((found, NETWORK_BITS), strict=False))


def ask(verb: str, item: RateLimitItem, key: str) -> bool:
    """Call a method of the counter in Redis; without Redis, of this process's own counter.

    `verb` is the name of the method: "test", "hit" or "clear".
    """
    try:
        return bool(getattr(shared(), verb)(item, key))
    except StorageError as error:
        logger.warning(
            "Redis can't be reached, so each process counts attempts separately: %s",
            error.storage_error,
        )
        return bool(getattr(own(), verb)(item, key))


def seconds_until_free(item: RateLimitItem, key: str) -> int:
    try:
        resets_at = shared().get_window_stats(item, key).reset_time
    except StorageError:
        resets_at = own().get_window_stats(item, key).reset_time
    return max(1, int(resets_at - time.time()) + 1)


@cache
def shared() -> MovingWindowRateLimiter:
    url = conf.REDIS_URL.replace("unix://", "redis+unix://", 1)
    patience: dict[str, Any] = {"socket_timeout": 1, "socket_connect_timeout": 1}
    storage = RedisStorage(url, key_prefix=PREFIX, wrap_exceptions=True, **patience)
    return MovingWindowRateLimiter(storage)


@cache
def own() -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(MemoryStorage())
