"""Checks of environment variables; their errors say what is expected and contain no secrets."""

import json
import re
import shlex
from collections.abc import Callable, Mapping
from email.utils import parseaddr
from importlib.util import find_spec
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qsl, unquote, urlsplit
from zoneinfo import available_timezones

import dj_database_url
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from limits import parse as parse_limit
from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import NoDecode

from dashboard.environment.addresses import (
    are_brokers,
    are_hosts,
    is_redis,
    is_site,
    split_words,
)

SHORTEST_SECRET = 32
LONGEST_WINDOW = 366 * 24 * 3600
"""The maximum number of seconds during which failed attempts are counted together."""
FEWEST_CHARACTERS = 12
"""The minimum number of different characters in a secret key; random keys have more."""
SAMPLES = ("django-insecure", "change-me", "changeme", "change_me", "secret-key", "your-secret")
MAIL_PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}
NAME = re.compile(r"[\w.-]{1,80}")
SLUG = re.compile(r"[a-z0-9-]{1,40}")
SAMPLE_PROVIDERS = (
    '{"corp": {"name": "Example Corp", "url": "https://id.example.com", "client_id": "...", '
    '"secret": "..."}}'
)
PROVIDER_KEYS = {"name", "url", "client_id", "secret"}
PROVIDER_RULES = (
    "a name of at most 40 letters a-z, digits and -, exactly these four keys, each with a text "
    "that isn't blank, and a url that begins with https:// (or http://, on this machine)"
)
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def must(be: str, holds: Callable[[Any], object]) -> AfterValidator:
    """Return a validator that accepts the values for which `holds` returns a true value.

    A `ValueError` of `holds`, such as for a port that is no number, counts as a refusal.
    """

    def check(value: Any) -> Any:
        try:
            is_accepted = bool(holds(value))
        except ValueError:
            is_accepted = False
        if not is_accepted:
            raise ValueError(f"must be {be}")
        return value

    return AfterValidator(check)


def refuse_blank(value: object) -> object:
    """Refuse an empty path, which would be the current directory."""
    if isinstance(value, str) and not value.strip():
        raise ValueError("must be the path of a folder")
    return value


def is_long(secret: SecretStr) -> bool:
    return len(secret) >= SHORTEST_SECRET


def is_strong(secret: SecretStr) -> bool:
    """Return True if a secret key seems random.

    A key doesn't if it has few different characters, contains a word of samples such as
    "change-me", or repeats a shorter text.
    """
    text = secret.get_secret_value()
    is_sample = any(word in text.lower() for word in SAMPLES)
    return len(set(text)) >= FEWEST_CHARACTERS and not is_sample and not repeats(text)


def repeats(text: str) -> bool:
    """Return True if the text is a shorter text, repeated, such as "abcabc"."""
    return text in (text + text)[1:-1]


def split_secrets(value: object) -> object:
    """Return the keys in a variable such as SECRET_KEY_FALLBACKS.

    Spaces, line breaks and commas separate the keys.
    """
    return re.split(r"[\s,]+", value.strip()) if isinstance(value, str) and value.strip() else []


ENGINES = {f"django.db.backends.{name}" for name in ("postgresql", "sqlite3")}


def names_a_database(url: str) -> bool:
    try:
        database = dj_database_url.parse(url)
    except KeyError:
        return False
    chosen = database.get("OPTIONS", {}).get("prepared_statements", "auto")
    is_known = database["ENGINE"] in ENGINES and chosen in {"auto", "on", "off"}
    return bool(database["NAME"]) and is_known


BUCKET_OPTIONS = {"addressing_style", "endpoint_url", "region_name", "signature_version"}
"""The query parameters that the address of a bucket may have; they are options of django-storages.

The bucket's access keys have environment variables of their own, because addresses are shown and
logged.
"""


def names_a_store(text: str) -> bool:
    url = urlsplit(text)
    if url.scheme != "s3":
        return Path(text).is_absolute()
    return bool(url.netloc) and {name for name, _ in parse_qsl(url.query)} <= BUCKET_OPTIONS


def can_be_used(text: str) -> bool:
    """Return True unless the address is that of a bucket and a package for buckets is missing."""
    return not text.startswith("s3:") or all(map(find_spec, ("storages", "boto3")))


def bucket_storage(text: str) -> dict[str, Any]:
    """Return Django's setting for a storage in a bucket.

    A new file overwrites a file with the same name.
    """
    url = urlsplit(text)
    options = dict(parse_qsl(url.query)) | {
        "bucket_name": url.netloc,
        "location": url.path.strip("/"),
        "file_overwrite": True,
        "querystring_auth": True,
    }
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}


def json_in(text: object) -> Any:
    """Return the JSON value that a text has, or None if the text isn't JSON."""
    try:
        return json.loads(str(text))
    except ValueError:
        return None


def read_names(text: object) -> dict[str, str] | None:
    """Read a JSON object of strings, like {"shop": "/srv/shop"}.

    Raises `ValueError` for any other text, and returns None if the variable isn't set.
    """
    if text is None:
        return None
    named = json_in(text)
    if not isinstance(named, dict) or not all(map(NAME.fullmatch, named)):
        raise ValueError(
            "must be a JSON object whose names have 1 to 80 letters, digits, ., _ and -, "
            'like {"shop": "..."}'
        )
    if wrong := [name for name, value in named.items() if not is_text(value)]:
        raise ValueError(f"must have a non-blank string without NUL as the value of {wrong[0]}")
    return named


def read_webhooks(text: object) -> dict[str, Any] | None:
    """Read a JSON object of webhooks, like {"shop": {"url": "...", "secrets": ["..."]}}.

    Raises `ValueError` for any other text, and returns None if the variable isn't set.
    """
    if text is None:
        return None
    found = json_in(text)
    if not isinstance(found, dict) or not all(isinstance(one, dict) for one in found.values()):
        raise ValueError('must be a JSON object like {"shop": {"url": "...", "secrets": [...]}}')
    return found


def read_providers(text: object) -> dict[str, dict[str, str]] | None:
    """Read a JSON object of OpenID Connect providers, keyed by the names in their addresses.

    Raises `ValueError` for any other text, and returns None if the variable isn't set.
    """
    if text is None:
        return None
    found: Any = json_in(text)
    if not are_providers(found):
        raise ValueError(f"must be a JSON object like {SAMPLE_PROVIDERS}: {PROVIDER_RULES}")
    return dict(found)


def are_providers(found: object) -> bool:
    return isinstance(found, Mapping) and all(map(is_provider, found.items()))


def is_provider(item: tuple[str, object]) -> bool:
    name, provider = item
    if not SLUG.fullmatch(name) or not isinstance(provider, Mapping):
        return False
    if provider.keys() != PROVIDER_KEYS or not all(map(is_text, provider.values())):
        return False
    return is_private(provider["url"])


def is_private(address: object) -> bool:
    """Return True for an address to which secrets may go: with https, or on this machine."""
    try:
        url = urlsplit(address if isinstance(address, str) else "")
    except ValueError:
        return False
    is_here = url.scheme == "http" and url.hostname in LOOPBACK
    return bool(url.hostname) and (url.scheme == "https" or is_here)


def is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and "\0" not in value


def is_time_of_day(text: str) -> bool:
    """Return True for "" and for texts such as "03:30"."""
    return not text or re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text) is not None


def are_paths(named: dict[str, str] | None) -> bool:
    return all(Path(path).is_absolute() for path in (named or {}).values())


def are_commands(named: dict[str, str] | None) -> bool:
    try:
        return all(shlex.split(command) for command in (named or {}).values())
    except ValueError:  # a quotation mark that is not closed
        return False


def are_readers(named: dict[str, str] | None) -> bool:
    return all(
        suffix.startswith(".") and all(part.isidentifier() for part in path.split("."))
        for suffix, path in (named or {}).items()
    )


def are_dotted(text: str) -> bool:
    """Return True if each word between commas is a dotted path, such as "shop.kinds.Rating"."""
    found = [path.split(".") for path in split_words(text)]
    return all(len(path) > 1 and all(map(str.isidentifier, path)) for path in found)


def names_a_mail_server(text: str) -> bool:
    url = urlsplit(text)
    return url.scheme in MAIL_PORTS and url.port != 0 and bool(url.hostname)


class MailServer:
    """The parts of a mail server's address, such as smtp://user:password@host:25.

    Special characters in the user and the password are percent-encoded.
    """

    def __init__(self, text: str) -> None:
        url = urlsplit(text)
        self.host, self.port = url.hostname or "", url.port or MAIL_PORTS[url.scheme]
        self.user, self.password = unquote(url.username or ""), unquote(url.password or "")
        self.starts_tls, self.is_tls = url.scheme == "smtp+tls", url.scheme == "smtps"


def is_sender(text: str) -> bool:
    """Return True if the text is a mail address, such as `a@b.example` or `Ann <a@b.example>`.

    Return False if it contains a character that can't be printed: with a line break, a text could
    add headers to a mail.
    """
    try:
        validate_email(parseaddr(text)[1].replace("@localhost", "@localhost.localdomain"))
    except ValidationError:
        return False
    return text.isprintable()


def are_proxies(text: str) -> bool:
    """Return True if each word between commas is an IP address, a network or `unix`."""
    try:
        for one in split_words(text):
            if one != "unix":
                ip_network(one, strict=False)
    except ValueError:
        return False
    return True


def is_limit(text: str) -> bool:
    limit = parse_limit(text)
    return limit.amount > 0 and limit.get_expiry() <= LONGEST_WINDOW


Secret = Annotated[
    SecretStr,
    must(f"at least {SHORTEST_SECRET} characters long", is_long),
    must("random, not a word or a pattern", is_strong),
]
Secrets = Annotated[
    list[SecretStr],
    NoDecode,
    BeforeValidator(split_secrets),
    must(f"keys of at least {SHORTEST_SECRET} characters", lambda keys: all(map(is_long, keys))),
]
Hosts = Annotated[
    str, must("host names without a port, separated by commas, like sign.example", are_hosts)
]
Proxies = Annotated[str, must("addresses or networks, like 10.0.0.0/8, 127.0.0.1", are_proxies)]
Attempts = Annotated[str, must("a limit like 10 per 15 minutes", is_limit)]
SiteUrl = Annotated[str, must("an address like https://name", is_site)]
EmailUrl = Annotated[
    str, must("an address like smtp+tls://user:password@host:587", names_a_mail_server)
]
Sender = Annotated[str, must("a sender like Countersign <sign@example.com>", is_sender)]
DatabaseUrl = Annotated[
    str, must("an address like postgres://user:password@host/name", names_a_database)
]
RedisUrl = Annotated[str, must("an address like redis://host:6379/0", is_redis)]
BrokerUrl = Annotated[
    str,
    must(
        "an address like amqp://user:password@host/name, or several, separated by semicolons",
        are_brokers,
    ),
]
FilesUrl = Annotated[
    str,
    must("an absolute path, or an address like s3://bucket/folder?region_name=x", names_a_store),
    must("a folder unless the package django-storages[s3] is installed", can_be_used),
]
Zone = Annotated[str, must("a time zone like Europe/Berlin", available_timezones().__contains__)]
TimeOfDay = Annotated[str, must("a time of day like 03:30, or empty for none", is_time_of_day)]
Repositories = Annotated[
    dict[str, str] | None,
    NoDecode,
    BeforeValidator(read_names),
    must('a JSON object of absolute paths, like {"shop": "/srv/shop"}', are_paths),
]
Readers = Annotated[
    dict[str, str] | None,
    NoDecode,
    BeforeValidator(read_names),
    must(
        'a JSON object of functions for suffixes, like {".json": "shop.readers.read_steps"}',
        are_readers,
    ),
]
RequestKinds = Annotated[str, must("paths of classes, like shop.kinds.Rating", are_dotted)]
ChannelPaths = Annotated[str, must("paths of classes, like shop.channels.Pager", are_dotted)]
Checks = Annotated[
    dict[str, str] | None,
    NoDecode,
    BeforeValidator(read_names),
    must('a JSON object of commands, like {"tests": "make test"}', are_commands),
]
Providers = Annotated[dict[str, dict[str, str]] | None, NoDecode, BeforeValidator(read_providers)]
Webhooks = Annotated[dict[str, Any] | None, NoDecode, BeforeValidator(read_webhooks)]
Folder = Annotated[Path, BeforeValidator(refuse_blank), AfterValidator(Path.absolute)]
