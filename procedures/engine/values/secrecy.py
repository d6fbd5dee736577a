"""Secrets that must not be kept: people read a journal, and backups hold its database."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from procedures.engine.values import canonical

RAW = re.compile(r", input_value=.*, input_type=[^\]]*\]")
"""Pydantic's quotation of an invalid value, secret or not."""
MASK = "***"
PASSWORD_IN_URL = re.compile(r"(?<=://)([^\s:/?#@'\"]*):[^\s/?#'\"]+(?=@)")
AUTHORIZATION = re.compile(
    r"(?i)\b((?:proxy-)?authorization['\"]?\s*[:=]\s*['\"]?)[^\r\n'\",;]+"
    r"|\b((?:bearer|basic)\s+)(?=\S*[0-9=])[A-Za-z0-9+/=_.~-]{8,}"
)
NAMED = re.compile(
    r"(?i)((?:password|passwd|pwd|passphrase|secret|api[_-]?key|access[_-]?key|private[_-]?key|token)"
    r"['\"]?(?:\s*=\s*|(?<=['\"])\s*:\s*)['\"]?)[^\s'\",;&)}\]]+"
)
"""A value with the name of a secret: password=…, "token": "…"."""
SHORTEST_SECRET = 6
site_secrets: set[str] = set()
"""The site's own secret values, added by whoever reads the settings, before code runs."""
INSTEAD = (
    "Let a step read it from the site's settings, or let the start name it with "
    'Annotated[str, SiteChoice("SETTING")].'
)


def holds_secret(hint: Any) -> bool:
    """Return True if a value of that type may hold a `SecretStr`, `SecretBytes` or `Secret`."""
    try:
        return _known(hint)
    except TypeError:  # an annotation with something unhashable in it
        return _look(hint)


def without_input(text: str) -> str:
    """Return an error's message or traceback without the values that Pydantic quotes."""
    return RAW.sub("]", text)


def masked(text: str, *, is_public: bool = False) -> str:
    """Return an error's message or a log line with secrets replaced by ***.

    Secrets are the site's own secret values, passwords in URLs, values of `Authorization`, and
    values named like secrets; the last stay in a text whose author called it public.
    """
    for secret in sorted(site_secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    text = PASSWORD_IN_URL.sub(rf"\1:{MASK}", text)
    text = AUTHORIZATION.sub(lambda found: f"{found[1] or found[2]}{MASK}", text)
    return text if is_public else NAMED.sub(rf"\g<1>{MASK}", text)


def note_site_secrets(values: Iterable[str | None]) -> None:
    """Add secret values for `masked` to replace; too short ones would mask ordinary words."""
    site_secrets.update(value for value in values if value and len(value) >= SHORTEST_SECRET)


@lru_cache(maxsize=1024)
def _known(hint: Any) -> bool:
    return _look(hint)


def _look(hint: Any) -> bool:
    try:
        return any(map(_is_of_secret, _parts(canonical.adapter(hint).core_schema)))
    except Exception:  # noqa: BLE001 (it is no type: told where it is used)
        return False


def _parts(core: Any) -> Iterable[Any]:
    """Yield every leaf of a core schema: names, numbers, classes and functions."""
    if isinstance(core, dict):
        core = core.values()
    elif not isinstance(core, (list, tuple)):
        yield core
        return
    for inner in core:
        yield from _parts(inner)


def _is_of_secret(part: Any) -> bool:
    is_pydantics = getattr(part, "__module__", "") == "pydantic.types"
    return is_pydantics and "secret" in getattr(part, "__qualname__", "").lower()
