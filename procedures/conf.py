"""The settings of Countersign: the site's dictionary `COUNTERSIGN`, and a default for each name.

Import `conf` and read a name from it: `conf.SITE_URL`. A site needn't set any name. Reading a value
of another type than the setting has raises `UnfitSettingError`. `manage.py check` reports all
values that can't be used, and unknown names; they never stop an import.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin, get_type_hints

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string
from pydantic import Field, TypeAdapter, ValidationError

from procedures.engine.declaration.limits import USUAL, Limits
from procedures.engine.values.sizes import Sizes
from procedures.engine.values.spelling import short_repr

KILOBYTE = 1024
MEGABYTE = 1024 * KILOBYTE
DAY = timedelta(days=1)
Number = Annotated[int, Field(ge=1, le=10**9)]
"""A number of rows or of characters; queries take no much larger one."""
FileBytes = Annotated[int, Field(ge=KILOBYTE, le=4 * MEGABYTE)]
ValueBytes = Annotated[int, Field(ge=KILOBYTE, le=64 * MEGABYTE)]
Megabytes = Annotated[int, Field(ge=1, le=2000)]
Days = Annotated[int, Field(ge=0, le=36_500)]
LeaseSeconds = Annotated[float, Field(ge=1, le=600)]
TurnSeconds = Annotated[float, Field(ge=0.1, le=DAY.total_seconds())]
PatienceSeconds = Annotated[float, Field(ge=0, le=3600)]


class Settings:
    """The names that COUNTERSIGN may hold, with their types and defaults."""

    SITE_URL: str = "http://localhost:8000"
    """The site's address in mails and links, without a trailing slash."""
    REDIS_URL: str = "redis://localhost:6379/0"
    BASE_DIR: Path = Path()
    """The folder to which the paths in `PROCEDURE_FILES` are relative; by default the current
    directory."""
    LOCAL_DIR: Path = Path(".local")
    """The folder for local data: archives while they are made, and, unless other settings name
    other places, the database and the files of runs."""
    IS_EMBEDDED: bool = False
    """True for the site that `make run` starts, whose demo accounts everybody knows."""

    LEDGER_KEY: str = ""
    """The secret key with which journals are sealed; by default, it is derived from SECRET_KEY."""
    LEDGER_KEY_FALLBACKS: Sequence[str] = ()
    """Earlier values of `LEDGER_KEY`, with which older journals can still be verified."""

    PROCEDURE_MODULES: Sequence[str] = ()
    """The modules that define procedures, in addition to the module `procedures` of each app."""
    PROCEDURE_FILES: Sequence[str] = ()
    PROCEDURE_READERS: Mapping[str, str] = {}
    """The import path of the reader for files with a suffix, keyed by the suffix: {".lua": …}."""
    LARGEST_PROCEDURE_FILE: FileBytes = 256 * KILOBYTE
    NOTICES_EDITED_FILES: bool = False
    """True if edited procedure files are read again without a restart."""
    AGENT_MODEL: str = ""
    """The model for agents that don't name one, such as "anthropic:claude-sonnet-4-5"."""
    REQUEST_KINDS: Sequence[str] = ()
    """The import paths of the classes of the site's own kinds of requests."""
    CHANNELS: Sequence[str] = ()
    """The import paths of the classes of the site's own channels."""
    WEBHOOKS: Mapping[str, Mapping[str, Any]] = {}
    """The external programs to which runs may report, keyed by name: see `procedures.webhooks`."""
    WEBHOOKS_TO_LOOPBACK: bool = False
    """True lets webhooks use http and addresses of this machine, for development and tests."""
    ASKERS_MAY_ANSWER: bool = False
    """True if people may answer in a browser the questions that their own programs ask.

    Programs with a token can never answer their own questions.
    """
    MCP: bool = False
    """True gives the site an MCP server at /mcp. This requires the optional dependency `mcp`."""
    SITE_CHOICES: Mapping[str, Mapping[str, str]] = {}
    """The values that `SiteChoice` inputs allow: `{"PLACES": {"shop": "/srv/shop"}}`.

    The outer keys are the names in `SiteChoice("PLACES")`, and the inner keys are what people
    choose.
    """

    RUN_LEASE_SECONDS: LeaseSeconds = 15
    RUN_TURN_SECONDS: TurnSeconds = 60
    """The number of seconds that a run may use its worker before other queued runs continue."""
    RUN_SILENT_SECONDS: TurnSeconds = 300
    """Seconds after which a run counts as stuck if its code hasn't called the engine meanwhile."""
    STOP_SECONDS: PatienceSeconds = 8
    """Seconds that a running step may still take after its worker has been told to stop."""
    STORAGE_PATIENCE_SECONDS: PatienceSeconds = 60
    """About how many seconds a worker waits for a file store or database that fails."""
    RUN_LIMITS: Mapping[str, Any] = asdict(USUAL)
    """The limits of runs whose procedure sets none: `{"max_duration": …}`, as in `Limits`."""
    MOST_STARTS_A_MINUTE: Number = 300
    MOST_OPEN_RUNS: Number = 5_000
    """The maximum number of runs of one person that haven't ended."""
    MOST_UNREAD_MESSAGES: Number = 1_000
    SIZES: Mapping[str, Number] = {}
    """Limits for the sizes of what people read, type and send, keyed by the field names of `Sizes`.

    A name that is absent has the limit in `Sizes`.
    """
    LARGE_VALUE_BYTES: ValueBytes = 64 * KILOBYTE
    """The size in bytes above which a value is stored as a file outside the journal."""
    MAX_UPLOAD_MB: Megabytes = 20
    UPLOADS_KEPT: Annotated[timedelta, Field(ge=DAY / 24, le=365 * DAY)] = timedelta(days=1)
    """The time after its upload during which a file can be used in an answer or a start."""
    RETENTION_DAYS: Days = 0
    """The days for which runs are kept after their end, unless their procedure has a retention.

    0 keeps them for ever.
    """

    SENDS_MAIL: bool = False
    PUSH_KEY: str = ""
    """The private key for notifications in browsers; "" turns these notifications off."""
    PUSH_CONTACT: str = ""
    """The site's contact for push services, a mailto: or https:// address; by default SITE_URL."""
    PUSH_TO_LOOPBACK: bool = False
    """True lets push services use http and addresses of this machine, for tests."""
    NOTIFY_AFTER: Annotated[timedelta, Field(ge=timedelta(0), le=DAY)] = timedelta(minutes=1)
    """The time that a question is open before people without an open page are notified of it."""
    NOTIFY_EVERY_SECONDS: TurnSeconds = 5
    """Seconds between two checks for notifications that are due."""

    VERIFY_AT: str = "03:30"
    """The time of day, in the site's time zone, at which the clock starts a verification of the
    whole site; "" starts none."""
    TRUSTED_PROXIES: Sequence[str] = ()
    """Addresses and networks of proxies whose `X-Forwarded-For` is trusted."""
    COMPANY_SIGN_IN: bool = False
    """True gives the site company accounts, passkeys and second factors.

    This requires the optional dependency `sign-in`.
    """
    OIDC_PROVIDERS: Mapping[str, Mapping[str, str]] = {}
    """The identity providers through which people sign in (OpenID Connect), keyed by a short name.

    Each has a `url`, a `client_id`, a `secret` and the `name` that people read.
    """
    NEW_PEOPLE_GROUP: str = ""
    """The group of people who sign in with a company account and have no account here.

    If it is empty, they are refused.
    """
    STAFF_NEED_SECOND_FACTOR: bool = False
    """True shows staff nothing until they have used a second factor. This needs COMPANY_SIGN_IN."""
    ATTEMPTS_PER_ADDRESS: str = "50 per 15 minutes"
    ATTEMPTS_PER_NAME: str = "10 per 15 minutes"


NAMES = frozenset(Settings.__annotations__)
PARTS: Mapping[str, Any] = {"RUN_LIMITS": Limits, "SIZES": Sizes}
"""The classes whose fields are the keys of a setting, by the name of the setting."""
SECRET = {
    "LEDGER_KEY",
    "LEDGER_KEY_FALLBACKS",
    "PUSH_KEY",
    "OIDC_PROVIDERS",
    "WEBHOOKS",
    "REDIS_URL",
}
"""The settings whose values no message contains."""
KINDS: Mapping[Any, str] = {
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    str: "a string",
    timedelta: "a timedelta",
    Path: "a pathlib.Path",
    Sequence: "a list of strings",
    Mapping: "a dictionary",
}


class UnfitSettingError(ImproperlyConfigured):
    """A setting has a value of a wrong type; the message says what is accepted."""


def fault_of_setting(name: str, value: Any, *, with_limits: bool = True) -> str:
    """Return a sentence that says why a setting can't have this value; "" if it can.

    Without limits, only the type is checked, and numbers may be of any size.
    """
    shown = name not in SECRET
    try:
        # Strictly, because the value is used as it is: a number of seconds is no `timedelta`.
        _adapter(name, with_limits=with_limits).validate_python(value, strict=True)
        if name in PARTS:
            PARTS[name](**value)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        given = f", not {short_repr(fault['input'])}" if shown else ""
        if not fault["loc"]:
            accepted = accepted_by(_hints(with_limits=True)[name])
            return f"COUNTERSIGN: {name} must be {accepted}{given}."
        place = ".".join(map(str, fault["loc"]))
        return f"COUNTERSIGN: {name} can't be used: {place}: {fault['msg']}{given}."
    except (ValueError, TypeError) as error:
        return f"COUNTERSIGN: {name} can't be used: {str(error).rstrip('.')}."
    return ""


def accepted_by(hint: Any, limits: Iterable[Any] = ()) -> str:
    """Return the values that a type accepts in words, such as "a whole number from 1 to 64"."""
    if get_origin(hint) is Annotated:
        [field] = hint.__metadata__
        return accepted_by(hint.__origin__, field.metadata)
    if NoneType in get_args(hint):
        return accepted_by(*(one for one in get_args(hint) if one is not NoneType))
    least = next((one.ge for one in limits if hasattr(one, "ge")), None)
    most = next((one.le for one in limits if hasattr(one, "le")), None)
    words = KINDS[get_origin(hint) or hint]
    if least is None:
        return words
    if most is None:
        return f"{words} of at least {_plain(least)}"
    return f"{words} from {_plain(least)} to {_plain(most)}"


def _plain(limit: Any) -> str:
    return str(limit) if isinstance(limit, timedelta) else f"{limit:,}".removesuffix(".0")


@cache
def _hints(*, with_limits: bool) -> dict[str, Any]:
    return get_type_hints(Settings, include_extras=with_limits)


@cache
def _adapter(name: str, *, with_limits: bool) -> TypeAdapter[Any]:
    return TypeAdapter(_hints(with_limits=with_limits)[name])


class _Configuration:
    """The settings of this process. Each access reads them again, so `override_settings` works."""

    def __init__(self) -> None:
        self._fit: dict[str, Any] = {}
        """The last value of each setting that was found to be of its type."""

    def __getattr__(self, name: str) -> Any:
        # Each step reads a setting, so a dictionary takes no further call.
        given = getattr(settings, "COUNTERSIGN", {})
        if given.__class__ is not dict:
            given = given_settings()
        if name not in NAMES:
            raise AttributeError(f"COUNTERSIGN has no setting {name}.")
        if name not in given:
            is_derived = name == "LEDGER_KEY"
            return f"ledger:{settings.SECRET_KEY}" if is_derived else getattr(Settings, name)
        value = given[name]
        if self._fit.get(name, self) is not value:
            if fault := fault_of_setting(name, value, with_limits=False):
                raise UnfitSettingError(fault)
            self._fit[name] = value
        return {**Settings.RUN_LIMITS, **value} if name == "RUN_LIMITS" else value


def given_settings() -> Mapping[str, Any]:
    """Return the site's dictionary; raises `UnfitSettingError` if it isn't one."""
    given = getattr(settings, "COUNTERSIGN", {})
    if not isinstance(given, Mapping):
        words = f"The setting COUNTERSIGN must be a dictionary, not {short_repr(given)}."
        raise UnfitSettingError(words)
    return given


class _ConfigurationAtImport:
    """The settings, with the default in the place of a value that can't be used.

    Only code that runs while the site is imported may read them, because a value must not stop the
    check that reports it.
    """

    def __getattr__(self, name: str) -> Any:
        try:
            given = given_settings()
            if name not in given or not fault_of_setting(name, given[name]):
                return getattr(conf, name)
        except UnfitSettingError:  # it isn't a dictionary
            pass
        return getattr(Settings, name)


if TYPE_CHECKING:
    conf = conf_at_import = Settings()
else:
    conf, conf_at_import = _Configuration(), _ConfigurationAtImport()


listed: list[Callable[[], None]] = []
"""The functions that register the classes in settings, which `check_listed` calls again."""


def register_at_import(register: Callable[[], None]) -> None:
    """Call a function that registers classes; if it fails, `manage.py check` reports why."""
    listed.append(register)
    with suppress(ImproperlyConfigured):
        register()


def register_listed(setting: str, register: Callable[[Any], object]) -> None:
    """Call `register` with each class whose import path is listed in a setting.

    Raises `ImproperlyConfigured` for a class that can't be imported or that `register` refuses with
    a `ValueError`.
    """
    for path in getattr(conf, setting):
        try:
            register(import_string(path))
        except (ImportError, ValueError) as error:
            raise ImproperlyConfigured(
                f"{setting} names {path}, which can't be used: {error}"
            ) from error
