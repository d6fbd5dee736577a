"""Masking of secrets in texts before the texts are stored.

People read journals, and backups contain copies of the journals.
"""

import re
from collections.abc import Iterable

RAW = re.compile(r", input_value=.*, input_type=[^\]]*\]")
"""The part of a Pydantic message that quotes the invalid value; the value may be a secret."""
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
"""A name such as `password` or "token" with its value, which is probably a secret: password=…."""
SHORTEST_SECRET = 6
site_secrets: set[str] = set()
"""The secret values of the site, added when this process reads the settings.

The settings are read before any procedure starts.
"""
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
    # Replace longer secrets first: if a secret contains another one, a part of it would stay
    # readable otherwise.
    for secret in sorted(site_secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    text = PASSWORD_IN_URL.sub(rf"\1:{MASK}", text)
    text = AUTHORIZATION.sub(lambda found: f"{found[1] or found[2]}{MASK}", text)
    return text if is_public else NAMED.sub(rf"\g<1>{MASK}", text)


class Masker:
    """A filter that masks the site's own secrets in a text that arrives in pieces.

    If a piece ends with what may be the beginning of a secret, the filter holds this ending back
    until the next piece. So a secret that is split between two pieces is masked, too.
    """

    def __init__(self) -> None:
        self._secrets = sorted(site_secrets, key=len, reverse=True)
        self._found = re.compile("|".join(map(re.escape, self._secrets)) or "(?!)")
        self._longest = len(self._secrets[0]) if self._secrets else 1
        self._held = ""

    def take(self, piece: str) -> str:
        """Add a piece; return the masked text that can be shown now.

        The returned text begins with what earlier calls held back. It lacks the end of the piece if
        a secret may begin there.
        """
        text, shown, place = self._held + piece, [], 0
        stop = self._beginning_in(text)
        for found in self._found.finditer(text):
            if found.start() >= stop:
                break
            shown += [text[place : found.start()], MASK]
            place = found.end()
        stop = max(stop, place)
        self._held = text[stop:]
        return "".join([*shown, text[place:stop]])

    def rest(self) -> str:
        """Return the masked rest of the text, which was held back.

        Call this after the last piece.
        """
        text, self._held = self._held, ""
        return self._found.sub(MASK, text)

    def _beginning_in(self, text: str) -> int:
        """Return the offset at which the beginning of a secret may stand at the end of the text.

        Returns the length of the text if the text doesn't end with the beginning of a secret.
        """
        for place in range(max(len(text) - self._longest + 1, 0), len(text)):
            rest = text[place:]
            if any(one.startswith(rest) and one != rest for one in self._secrets):
                return place
        return len(text)


def note_site_secrets(values: Iterable[str | None]) -> None:
    """Add secret values, which `masked` replaces from then on.

    Short values are left out, because they may be ordinary words.
    """
    site_secrets.update(value for value in values if value and len(value) >= SHORTEST_SECRET)
