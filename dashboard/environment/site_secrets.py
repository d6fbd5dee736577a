"""The secret values of this site, which no error and no log line may contain."""

import os
import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from django.conf import settings

from procedures.conf import conf_at_import as conf

CALLED_SECRET = re.compile(r"(?i)(key|token|secret|password|passwd|passphrase|dsn)$")
URLS = ("DATABASE_URL", "REDIS_URL", "BROKER_URL", "EMAIL_URL")


def find_site_secrets() -> Iterator[str]:
    """Yield the site's keys and passwords, including those in environment variables."""
    yield settings.SECRET_KEY
    yield conf.LEDGER_KEY
    yield from map(str, settings.SECRET_KEY_FALLBACKS)
    yield from map(str, conf.LEDGER_KEY_FALLBACKS)
    yield settings.EMAIL_HOST_PASSWORD
    yield conf.PUSH_KEY
    for webhook in conf.WEBHOOKS.values():
        yield from map(str, webhook.get("secrets", ()))
    for provider in conf.OIDC_PROVIDERS.values():
        yield str(provider.get("secret", ""))
    for name, value in os.environ.items():
        if CALLED_SECRET.search(name):
            yield value.strip()
        if name in URLS or name.endswith("_URL"):
            yield from passwords_of(value)


def passwords_of(urls: str) -> Iterator[str]:
    """Yield the password in each URL, first as it is written there, and then percent-decoded.

    Several URLs are separated by semicolons.
    """
    for url in dict.fromkeys((urls, *urls.split(";"))):
        try:
            written = urlsplit(url).password
        except ValueError:
            continue
        if written:
            yield written
            yield unquote(written)
