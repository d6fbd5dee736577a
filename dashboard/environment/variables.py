"""Typed environment variables; if a value is invalid, the start fails and names the variable."""

import hashlib
import os
import secrets
import shlex
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import gettempdir
from typing import Any
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from dashboard.environment.addresses import broker_of, split_words
from dashboard.environment.values import (
    Attempts,
    BrokerUrl,
    ChannelPaths,
    Checks,
    DatabaseUrl,
    EmailUrl,
    FilesUrl,
    Folder,
    Hosts,
    Providers,
    Proxies,
    Readers,
    RedisUrl,
    Repositories,
    RequestKinds,
    Secret,
    Secrets,
    Sender,
    SiteUrl,
    TimeOfDay,
    Webhooks,
    Zone,
    bucket_storage,
)
from procedures.conf import (
    Days,
    FileBytes,
    LeaseSeconds,
    Megabytes,
    Number,
    PatienceSeconds,
    Settings,
    TurnSeconds,
    ValueBytes,
    accepted_by,
)
from procedures.engine.values.sizes import USUAL_SIZES
from procedures.engine.values.spelling import short_repr

CHECKOUT = Path(__file__).resolve().parent.parent.parent
LONGEST_SOCKET_PATH = 100
DEMO_REPOSITORY = "demo-repository"
DEMO_MODULES = (
    *("examples.refund", "examples.release", "examples.supplies"),
    *("dashboard.demo.desk", "programs.agents.demo"),
)
TEXTS = (
    *("prompt", "label", "body", "draft", "answer", "comment"),
    *("message", "notice", "written", "stage", "reason"),
)
RENAMED = {"MAIL_AFTER_SECONDS": "NOTIFY_AFTER_SECONDS"}
"""The new names of renamed variables, by the old name.

If a variable with an old name is set, the site doesn't start, and the error gives the new name.
"""
DEMO_CHECK = shlex.join([sys.executable, "-m", "unittest", "-v"])


class Environment(BaseSettings):
    """The product's settings.

    Without SECRET_KEY the site is a demo, with an embedded SQLite and Redis of its own.
    """

    model_config = SettingsConfigDict(case_sensitive=True)

    SECRET_KEY: Secret | None = None
    SECRET_KEY_FALLBACKS: Secrets = []
    LEDGER_KEY: Secret | None = None
    LEDGER_KEY_FALLBACKS: Secrets = []
    DEBUG: bool = False
    ALLOWED_HOSTS: Hosts = "localhost,127.0.0.1,[::1]"
    TRUSTED_PROXIES: Proxies = ""
    ATTEMPTS_PER_ADDRESS: Attempts = Settings.ATTEMPTS_PER_ADDRESS
    ATTEMPTS_PER_NAME: Attempts = Settings.ATTEMPTS_PER_NAME
    SITE_URL: SiteUrl | None = None
    PORT: int = Field(default=8000, ge=1, le=65535)
    DATABASE_URL: DatabaseUrl | None = None
    REDIS_URL: RedisUrl | None = None
    REDIS_SERVER: str | None = None
    BROKER_URL: BrokerUrl | None = None
    FILES_URL: FilesUrl | None = None
    LOCAL_DIR: Folder = CHECKOUT / ".local"
    TIME_ZONE: Zone = "UTC"
    PROCEDURE_MODULES: str = ""
    PROCEDURE_FILES: str = ""
    PROCEDURE_READERS: Readers = None
    REQUEST_KINDS: RequestKinds = ""
    AGENT_MODEL: str = ""
    CHANNELS: ChannelPaths = ""
    LARGEST_PROCEDURE_FILE: FileBytes = Settings.LARGEST_PROCEDURE_FILE
    MAX_UPLOAD_MB: Megabytes = Settings.MAX_UPLOAD_MB
    UPLOADS_KEPT_HOURS: int = Field(default=24, ge=1, le=8760)
    RETENTION_DAYS: Days = Settings.RETENTION_DAYS
    RUN_LEASE_SECONDS: LeaseSeconds = Settings.RUN_LEASE_SECONDS
    RUN_TURN_SECONDS: TurnSeconds = Settings.RUN_TURN_SECONDS
    STOP_SECONDS: PatienceSeconds | None = None
    RUN_SILENT_SECONDS: TurnSeconds = Settings.RUN_SILENT_SECONDS
    STORAGE_PATIENCE_SECONDS: PatienceSeconds = Settings.STORAGE_PATIENCE_SECONDS
    RUN_MOST_STEPS: int = Field(default=Settings.RUN_LIMITS["steps"], ge=1)
    RUN_MOST_EVENTS: int = Field(default=Settings.RUN_LIMITS["events"], ge=10)
    RUN_MOST_CHILDREN: int = Field(default=Settings.RUN_LIMITS["children"], ge=0)
    RUN_MOST_DEPTH: int = Field(default=Settings.RUN_LIMITS["depth"], ge=0, le=1000)
    RUN_LONGEST_DAYS: int = Field(default=366, ge=1, le=3660)
    LARGE_VALUE_BYTES: ValueBytes = Settings.LARGE_VALUE_BYTES
    MOST_STARTS_A_MINUTE: Number = Settings.MOST_STARTS_A_MINUTE
    MOST_OPEN_RUNS: Number = Settings.MOST_OPEN_RUNS
    MOST_UNREAD_MESSAGES: Number = Settings.MOST_UNREAD_MESSAGES
    LONGEST_PROMPT: int = Field(default=USUAL_SIZES.prompt, ge=1, le=100_000)
    LONGEST_LABEL: int = Field(default=USUAL_SIZES.label, ge=1, le=10_000)
    MOST_OPTIONS: int = Field(default=USUAL_SIZES.options, ge=1, le=10_000)
    LONGEST_BODY: int = Field(default=USUAL_SIZES.body, ge=1, le=4 * 1024**2)
    LONGEST_DRAFT: int = Field(default=USUAL_SIZES.draft, ge=1, le=4 * 1024**2)
    LARGEST_EVIDENCE: int = Field(default=USUAL_SIZES.evidence, ge=1, le=16 * 1024**2)
    DEEPEST_VALUE: int = Field(default=USUAL_SIZES.depth, ge=1, le=200)
    LONGEST_ANSWER: int = Field(default=USUAL_SIZES.answer, ge=1, le=1024**2)
    LONGEST_COMMENT: int = Field(default=USUAL_SIZES.comment, ge=1, le=1024**2)
    LONGEST_MESSAGE: int = Field(default=USUAL_SIZES.message, ge=1, le=1024**2)
    LONGEST_NOTICE: int = Field(default=USUAL_SIZES.notice, ge=1, le=1024**2)
    LONGEST_WRITTEN: int = Field(default=USUAL_SIZES.written, ge=1, le=64 * 1024**2)
    LONGEST_STAGE: int = Field(default=USUAL_SIZES.stage, ge=1, le=10_000)
    LARGEST_SIGNAL: int = Field(default=USUAL_SIZES.signal, ge=1, le=16 * 1024**2)
    LONGEST_REASON: int = Field(default=USUAL_SIZES.reason, ge=1, le=100_000)
    WORKER_SLOTS: int = Field(default=4, ge=1, le=64)
    EMAIL_URL: EmailUrl | None = None
    MAIL_FROM: Sender = "Countersign <countersign@localhost>"
    PUSH_KEY: Secret | None = None
    PUSH_CONTACT: str = ""
    PUSH_TO_LOOPBACK: bool = False
    NOTIFY_AFTER_SECONDS: int = Field(default=60, ge=0, le=86400)
    VERIFY_AT: TimeOfDay = Settings.VERIFY_AT
    WEBHOOKS: Webhooks = None
    WEBHOOKS_TO_LOOPBACK: bool = False
    ASKERS_MAY_ANSWER: bool = False
    MCP: bool = False
    COMPANY_SIGN_IN: bool = False
    OIDC_PROVIDERS: Providers = None
    NEW_PEOPLE_GROUP: str = ""
    STAFF_NEED_SECOND_FACTOR: bool = False
    REPOSITORIES: Repositories = None
    CHECKS: Checks = None
    LUA_FOLDERS: Repositories = None

    @property
    def is_embedded(self) -> bool:
        return self.SECRET_KEY is None

    def site_url(self) -> str:
        return (self.SITE_URL or f"http://localhost:{self.PORT}").rstrip("/")

    def stop_seconds(self) -> float:
        """Return the seconds that a running step may take after its worker was told to stop."""
        if self.STOP_SECONDS is not None:
            return self.STOP_SECONDS
        return 3 if self.is_embedded else 8

    def secret_key(self) -> str:
        return self.SECRET_KEY.get_secret_value() if self.SECRET_KEY else local_secret(self)

    def ledger_key(self) -> str:
        if self.LEDGER_KEY:
            return self.LEDGER_KEY.get_secret_value()
        if not self.is_embedded:
            raise ImproperlyConfigured(
                "LEDGER_KEY is missing. Set it to a long random text, which signs the journals of "
                "runs."
            )
        return f"ledger:{self.secret_key()}"

    def push_key(self) -> str:
        return self.PUSH_KEY.get_secret_value() if self.PUSH_KEY else ""

    def site_choices(self) -> dict[str, dict[str, str]]:
        """Return the paths and commands that inputs can choose by name.

        If the site is a demo and a variable isn't set, the demo's choices are returned for
        it.
        """
        repositories, checks = self.REPOSITORIES, self.CHECKS
        if self.is_embedded:
            path = str(self.LOCAL_DIR / DEMO_REPOSITORY)
            repositories = {"demo": path} if repositories is None else repositories
            checks = {"tests": DEMO_CHECK} if checks is None else checks
        folders = self.LUA_FOLDERS or {}
        return {"REPOSITORIES": repositories or {}, "CHECKS": checks or {}, "LUA_FOLDERS": folders}

    def procedure_modules(self) -> list[str]:
        """Return the modules that define procedures, including the demo's if the site is a demo."""
        named = split_words(self.PROCEDURE_MODULES)
        return list(dict.fromkeys([*DEMO_MODULES, *named])) if self.is_embedded else named

    def run_limits(self) -> dict[str, Any]:
        """Return the default limits of runs, as arguments of the engine's `Limits`."""
        days = self.RUN_LONGEST_DAYS
        return {
            "steps": self.RUN_MOST_STEPS,
            "events": self.RUN_MOST_EVENTS,
            "children": self.RUN_MOST_CHILDREN,
            "depth": self.RUN_MOST_DEPTH,
            "max_duration": "1 day" if days == 1 else f"{days} days",
        }

    def sizes(self) -> dict[str, int]:
        """Return the largest sizes of texts and values, as arguments of the engine's `Sizes`."""
        names = {name: f"LONGEST_{name.upper()}" for name in TEXTS}
        names |= {"options": "MOST_OPTIONS", "depth": "DEEPEST_VALUE"}
        names |= {"evidence": "LARGEST_EVIDENCE", "signal": "LARGEST_SIGNAL"}
        return {name: getattr(self, setting) for name, setting in names.items()}

    def file_storage(self) -> dict[str, Any]:
        """Return the setting for Django's file storage: a folder, or an S3-compatible bucket."""
        if self.FILES_URL and self.FILES_URL.startswith("s3://"):
            return bucket_storage(self.FILES_URL)
        folder = Path(self.FILES_URL) if self.FILES_URL else self.LOCAL_DIR / "files"
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(folder)},
        }

    def redis_url(self) -> str:
        return self.REDIS_URL or f"unix://{quote(str(redis_socket(self.LOCAL_DIR)))}"

    def broker_url(self) -> str:
        return self.BROKER_URL or broker_of(self.redis_url())


def read_environment() -> Environment:
    for old, new in RENAMED.items():
        if old in os.environ:
            raise ImproperlyConfigured(f"The variable {old} is now called {new}. Rename it.")
    try:
        return Environment()
    except ValidationError as error:
        faults = "; ".join(map(_words_of, error.errors()))
        raise ImproperlyConfigured(f"The environment can't be used: {faults}.") from None


def _words_of(fault: Any) -> str:
    name, *_ = fault["loc"]
    if fault["type"] == "value_error":  # of a check of ours, whose words contain no secrets
        return f"{name}: {fault['msg'].removeprefix('Value error, ')}"
    # Only numbers and switches have other faults.
    field = Environment.model_fields[name]
    accepted = accepted_by(field.annotation, field.metadata)
    return f"{name}: must be {accepted}, not {short_repr(fault['input'])}"


def local_secret(environment: Environment) -> str:
    """Return a demo site's secret key, created once in a file that only its owner can read."""
    path = environment.LOCAL_DIR / "secret_key"
    draft = path.with_suffix(f".{os.getpid()}")
    try:
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # The file gets its permissions before its content, and its name when it is complete. So
            # nobody else can read the key, and no process reads half of it.
            draft.touch(mode=0o600)
            draft.write_text(secrets.token_urlsafe(50))
            with suppress(FileExistsError):  # another process was first
                path.hardlink_to(draft)
            draft.unlink()
        return path.read_text()
    except OSError as error:
        raise ImproperlyConfigured(
            f"The folder {path.parent} can't be written to ({error.strerror}). Make it writable, "
            "or set LOCAL_DIR to another folder."
        ) from None


def redis_socket(local: Path) -> Path:
    """Return the path of the embedded Redis's socket, short enough for a Unix socket."""
    path = local / "redis" / "redis.sock"
    if len(str(path)) <= LONGEST_SOCKET_PATH:
        return path
    mark = hashlib.sha256(str(local).encode()).hexdigest()[:16]
    return Path(gettempdir()) / f"countersign-{mark}" / "redis.sock"
