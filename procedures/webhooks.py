"""Webhooks: external programs to which runs report; a site lists them in WEBHOOKS.

    WEBHOOKS = {"shop": {"url": "https://shop.example/hook", "secrets": ["whsec_…"],
                         "groups": ["agents"], "users": ["ann"]}}

A run is started with the webhook's name. The address and the secrets stay in the settings.
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from procedures.conf import conf
from procedures.users import User

NAME = re.compile("[a-z][a-z0-9_-]{0,39}")
PREFIX = "whsec_"
SHORTEST_KEY, LONGEST_KEY = 24, 64
MOST_SECRETS = 2
"""The maximum number of a webhook's secrets: one, or an old and a new one in a rotation."""
KEYS = {"url", "secrets", "groups", "users"}
LONGEST_URL = 2_000


@dataclass(frozen=True)
class Target:
    """A webhook of this site."""

    name: str
    url: str
    keys: Sequence[bytes]
    """The secrets as bytes; each message is signed with each of them."""


def find_webhook(name: str) -> Target | None:
    """Return the webhook with this name, or None if the site has no valid one."""
    given = conf.WEBHOOKS.get(name)
    if given is None or any(faults_of(name, given)):
        return None
    return Target(name, given["url"], [_key(secret) for secret in given["secrets"]])


def may_use_webhook(user: User, name: str) -> bool:
    """Return True if the site has this webhook and the user may use it.

    Superusers may use all webhooks, others only those that name them or one of their groups.
    """
    given = conf.WEBHOOKS.get(name)
    if given is None:
        return False
    if user.is_superuser or user.get_username() in given.get("users", ()):
        return True
    return user.groups.filter(name__in=[*given.get("groups", ())]).exists()


def faults_of(name: str, webhook: Any) -> Iterator[str]:
    """Yield what is wrong with a webhook, in sentences that show no address and no secret."""
    if not NAME.fullmatch(name):
        yield "its name must be a letter, then at most 39 of a-z, 0-9, _ and -."
    if not isinstance(webhook, Mapping) or (unknown := webhook.keys() - KEYS):
        words = (
            f", not {', '.join(sorted(map(str, unknown)))}" if isinstance(webhook, Mapping) else ""
        )
        yield f"it must be a dictionary with {', '.join(sorted(KEYS))}{words}."
        return
    if fault := fault_of_url(webhook.get("url"), to_loopback=conf.WEBHOOKS_TO_LOOPBACK):
        yield fault
    yield from _faults_of_secrets(webhook.get("secrets"))
    for who in ("groups", "users"):
        names = webhook.get(who, ())
        is_list = isinstance(names, Collection) and not isinstance(names, str)
        if not is_list or not all(isinstance(one, str) for one in names):
            yield f"its {who} must be a list of names."


def _faults_of_secrets(secrets: Any) -> Iterator[str]:
    if not isinstance(secrets, Sequence) or isinstance(secrets, str) or not secrets:
        yield "its secrets must be a list."
    elif len(secrets) > MOST_SECRETS:
        yield f"it has more than {MOST_SECRETS} secrets."
    elif not all(_key(secret) for secret in secrets):
        sizes = f"{SHORTEST_KEY} to {LONGEST_KEY} bytes"
        yield f"a secret must be {PREFIX} followed by {sizes} in base64."


def fault_of_url(url: Any, *, to_loopback: bool = False) -> str:
    """Return why the site may not post to a URL, or "" if it may.

    With `to_loopback`, http is allowed for addresses of this machine (127.0.0.1, ::1).
    """
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        port = parts.port
    except ValueError:
        return "its url can't be read."
    if not parts.hostname or parts.scheme not in {"https", "http"} or port == 0:
        return "its url must begin with https:// and name a host."
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        return f"its url must be at most {LONGEST_URL:,} ASCII characters without spaces."
    if parts.username is not None or parts.fragment:
        return "its url must contain no user name, password or fragment."
    if parts.scheme == "http" and not (to_loopback and _is_local(parts.hostname)):
        return "its url must begin with https://."
    return ""


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _key(secret: Any) -> bytes:
    """Return the bytes of a secret; b"" if the secret isn't valid."""
    if not isinstance(secret, str) or not secret.startswith(PREFIX):
        return b""
    try:
        key = b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return key if SHORTEST_KEY <= len(key) <= LONGEST_KEY else b""
