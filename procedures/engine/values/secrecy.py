"""Masking of secrets before they are stored, because people read journals and backups copy them."""

import re
from collections.abc import Iterable

RAW = re.compile(r", input_value=.*, input_type=[^\]]*\]")
"""The part of a Pydantic message that quotes the invalid value, which may be a secret."""
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
"""A value named like a secret: password=…, "token": "…"."""
SHORTEST_SECRET = 6
site_secrets: set[str] = set()
"""The site's own secret values, added when its settings are read, before procedures run."""
INSTEAD = (
    "Let a step read it from the site's settings, or let whoever starts the run "
    'choose it by name, with Annotated[str, SiteChoice("SETTING")].'
)


def without_input(text: str) -> str:
    """Return an error's message or traceback without the invalid values that Pydantic quotes."""
    return RAW.sub("]", text)


def masked(text: str, *, is_public: bool = False) -> str:
    """Return an error's message or a log line with secrets replaced by ***.

    Secrets are the site's own secret values, passwords in URLs and values of `Authorization`.
    Unless `is_public` is True, values named like secrets, such as password=…, are replaced, too.
    """
    # The longest first: of a secret that holds another one, a rest would stay legible.
    for secret in sorted(site_secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    text = PASSWORD_IN_URL.sub(rf"\1:{MASK}", text)
    text = AUTHORIZATION.sub(lambda found: f"{found[1] or found[2]}{MASK}", text)
    return text if is_public else NAMED.sub(rf"\g<1>{MASK}", text)


def note_site_secrets(values: Iterable[str | None]) -> None:
    """Add secret values for `masked` to replace, except short ones, which may be ordinary words."""
    site_secrets.update(value for value in values if value and len(value) >= SHORTEST_SECRET)
