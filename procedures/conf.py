"""The settings of Countersign: the site's dictionary `COUNTERSIGN`, with a default for each name.

Import `conf` and read a name from it: `conf.SITE_URL`. A site needn't set any name. Unknown names
in its dictionary are reported by `manage.py check` and never stop an import.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from procedures.engine.declaration.limits import USUAL

KILOBYTE = 1024


class Settings:
    """The names that COUNTERSIGN may hold, with their types and defaults."""

    SITE_URL: str = "http://localhost:8000"
    """The site's address in mails and links, without a trailing slash."""
    REDIS_URL: str = "redis://localhost:6379/0"
    BASE_DIR: Path = Path()
    """The folder to which `PROCEDURE_FILES` are relative; by default the working directory."""
    LOCAL_DIR: Path = Path(".local")
    """The folder in which the embedded product stores its data."""
    IS_EMBEDDED: bool = False
    """True for the product as `make run` starts it, with demo accounts that everybody knows."""

    LEDGER_KEY: str = ""
    """The secret that seals journals; by default it is derived from SECRET_KEY."""
    LEDGER_KEY_FALLBACKS: Sequence[str] = ()
    """Earlier secrets with which older journals can still be verified."""

    PROCEDURE_MODULES: Sequence[str] = ()
    """Modules that define procedures, besides each app's own `procedures`."""
    PROCEDURE_FILES: Sequence[str] = ()
    PROCEDURE_READERS: Mapping[str, str] = {}
    """The import path of the reader for each file suffix."""
    LARGEST_PROCEDURE_FILE: int = 256 * KILOBYTE
    NOTICES_EDITED_FILES: bool = False
    """True if edited procedure files are reloaded without a restart."""
    AGENT_MODEL: str = ""
    """The model for agents that don't name one, such as "anthropic:claude-sonnet-4-5"."""
    REQUEST_KINDS: Sequence[str] = ()
    """The import paths of the site's own kinds of requests."""
    CHANNELS: Sequence[str] = ()
    """The import paths of the site's own channels."""
    WEBHOOKS: Mapping[str, Mapping[str, Any]] = {}
    """The external programs to which runs may report, by name: see `procedures.webhooks`."""
    WEBHOOKS_TO_LOOPBACK: bool = False
    """True lets webhooks use http and addresses of this machine, for development and tests."""
    ASKERS_MAY_ANSWER: bool = False
    """True lets people answer in a browser what their own programs ask; with a token they can't."""
    MCP: bool = False
    """True gives the site an MCP server at /mcp, for which it needs the extra `mcp`."""
    SITE_CHOICES: Mapping[str, Mapping[str, str]] = {}
    """The allowed values by name, for each `SiteChoice` among the inputs of procedures."""

    RUN_LEASE_SECONDS: float = 15
    RUN_TURN_SECONDS: float = 60
    """Seconds after which a run yields its worker to other runs."""
    RUN_SILENT_SECONDS: float = 300
    """Seconds after which code that hasn't returned to the engine counts as stuck."""
    STOP_SECONDS: float = 8
    """Seconds that a running step may still take when its worker is told to stop."""
    STORAGE_PATIENCE_SECONDS: float = 60
    """Seconds that a worker waits for a failing file store."""
    RUN_LIMITS: Mapping[str, Any] = asdict(USUAL)
    """The limits of runs whose procedure sets none, by the option names of `Limits`."""
    MOST_STARTS_A_MINUTE: int = 300
    MOST_OPEN_RUNS: int = 5_000
    """The largest number of unfinished runs that one person may have started."""
    MOST_UNREAD_MESSAGES: int = 1_000
    SIZES: Mapping[str, int] = {}
    """Size limits for what people read, type and send, where they differ from those in `Sizes`."""
    LARGE_VALUE_BYTES: int = 64 * KILOBYTE
    """The size from which values are stored as files."""
    MAX_UPLOAD_MB: int = 20
    UPLOADS_KEPT: timedelta = timedelta(days=1)
    """The time for which a file that was sent for an answer or a start can be used."""

    SENDS_MAIL: bool = False
    PUSH_KEY: str = ""
    """The private key for notifications in browsers; if it is "", there are none."""
    PUSH_CONTACT: str = ""
    """The site's contact for push services, a mailto: or https:// address; by default SITE_URL."""
    PUSH_TO_LOOPBACK: bool = False
    """True lets push services use http and addresses of this machine, for tests."""
    NOTIFY_AFTER: timedelta = timedelta(minutes=1)
    """The time after which people who are asked, and have no page open, are notified."""
    NOTIFY_EVERY_SECONDS: float = 5
    """Seconds between two checks for notifications that are due."""

    TRUSTED_PROXIES: Sequence[str] = ()
    """Addresses and networks of proxies whose `X-Forwarded-For` is trusted."""
    ATTEMPTS_PER_ADDRESS: str = "50 per 15 minutes"
    ATTEMPTS_PER_NAME: str = "10 per 15 minutes"


NAMES = frozenset(Settings.__annotations__)


class _Configuration:
    """The settings of this process; each access respects `override_settings`."""

    def __getattr__(self, name: str) -> Any:
        given = getattr(settings, "COUNTERSIGN", {})
        if name == "RUN_LIMITS":
            return {**Settings.RUN_LIMITS, **given.get(name, {})}
        if name in given:
            return given[name]
        if name == "LEDGER_KEY":
            return f"ledger:{settings.SECRET_KEY}"
        if name in NAMES:
            return getattr(Settings, name)
        raise AttributeError(f"COUNTERSIGN has no setting {name}.")


if TYPE_CHECKING:
    conf = Settings()
else:
    conf = _Configuration()


def register_listed(setting: str, register: Callable[[Any], object]) -> None:
    """Call `register` with each class that a setting lists by its dotted path.

    Raises `ImproperlyConfigured` for a class that can't be imported or that `register` refuses
    with a `ValueError`.
    """
    for path in getattr(conf, setting):
        try:
            register(import_string(path))
        except (ImportError, ValueError) as error:
            raise ImproperlyConfigured(
                f"{setting} names {path}, which can't be used: {error}"
            ) from error
