"""The settings of Countersign: the site's dictionary `COUNTERSIGN`, over defaults for all of it.

Import `conf` and read a name from it: `conf.SITE_URL`. A site that sets nothing works; its own
names are checked by `manage.py check` and never stop an import.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

from procedures.engine.declaration.limits import USUAL

KILOBYTE = 1024


class Settings:
    """The names that COUNTERSIGN may hold, with their types and defaults."""

    SITE_URL: str = "http://localhost:8000"
    """The address in mails and links, without a slash at its end."""
    REDIS_URL: str = "redis://localhost:6379/0"
    BASE_DIR: Path = Path()
    """The folder to which `PROCEDURE_FILES` are relative; the process's own by default."""
    LOCAL_DIR: Path = Path(".local")
    """The folder for what the embedded product keeps."""
    IS_EMBEDDED: bool = False
    """True for the product on one machine, which has demo accounts that everybody knows."""

    LEDGER_KEY: str = ""
    """The secret that seals journals; one made of SECRET_KEY by default."""
    LEDGER_KEY_FALLBACKS: Sequence[str] = ()
    """Earlier secrets, by which older journals are still verified."""

    PROCEDURE_MODULES: Sequence[str] = ()
    """Modules with procedures, besides each app's own `procedures`."""
    PROCEDURE_FILES: Sequence[str] = ()
    PROCEDURE_READERS: Mapping[str, str] = {}
    """The paths of readers, by the suffix of the files that they read."""
    LARGEST_PROCEDURE_FILE: int = 256 * KILOBYTE
    NOTICES_EDITED_FILES: bool = False
    """True where edited procedure files are read anew without a restart."""
    REQUEST_KINDS: Sequence[str] = ()
    """The paths of the site's own kinds of requests."""
    CHANNELS: Sequence[str] = ()
    """The paths of the site's own channels."""
    SITE_CHOICES: Mapping[str, Mapping[str, str]] = {}
    """Values that people may choose in a start, by the names of `SiteChoice` and of the value."""

    RUN_LEASE_SECONDS: float = 15
    RUN_TURN_SECONDS: float = 60
    """Seconds after which a run lets others have its worker."""
    RUN_SILENT_SECONDS: float = 300
    """Seconds after which code that doesn't come back is called stuck."""
    STOP_SECONDS: float = 8
    """Seconds that a running step may take when its worker is to stop."""
    STORAGE_PATIENCE_SECONDS: float = 60
    """Seconds that a worker waits for a file store that fails."""
    RUN_LIMITS: Mapping[str, Any] = asdict(USUAL)
    """The limits of runs whose procedure sets none, by the options of `Limits`."""
    MOST_STARTS_A_MINUTE: int = 300
    MOST_OPEN_RUNS: int = 5_000
    """Runs of one person that have not ended."""
    SIZES: Mapping[str, int] = {}
    """The largest sizes of what people read, type and send, where they differ from `Sizes`."""
    LARGE_VALUE_BYTES: int = 64 * KILOBYTE
    """The size from which values are kept as files."""
    MAX_UPLOAD_MB: int = 20

    SENDS_MAIL: bool = False
    NOTIFY_AFTER: timedelta = timedelta(minutes=1)
    """The time after which somebody who is asked and not looking is notified."""
    NOTIFY_EVERY_SECONDS: float = 5
    """Seconds between two looks for notifications that are due."""

    TRUSTED_PROXIES: Sequence[str] = ()
    """Addresses and networks whose `X-Forwarded-For` is believed."""
    ATTEMPTS_PER_ADDRESS: str = "50 per 15 minutes"
    ATTEMPTS_PER_NAME: str = "10 per 15 minutes"


NAMES = frozenset(Settings.__annotations__)


class _Configuration:
    """The settings of this process; each access sees the changes of `override_settings`."""

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
