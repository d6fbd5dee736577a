"""Checks of the site around this app, for `manage.py check`: settings, user model and databases."""

from collections.abc import Iterator, Mapping
from typing import Any, get_type_hints

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, PermissionsMixin
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 (Django's own name)
from django.core.exceptions import FieldDoesNotExist
from django.db import DEFAULT_DB_ALIAS, connections, router
from django.db.models import Model
from pydantic import TypeAdapter, ValidationError

from procedures.conf import NAMES, Settings
from procedures.databases import OURS as OUR_APPS
from procedures.engine.declaration.limits import Limits
from procedures.engine.values.sizes import Sizes
from procedures.engine.values.spelling import nearest
from procedures.webhooks import faults_of

OURS = sorted(OUR_APPS)
VENDORS = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
LONGEST_NAME = 254
"""The longest user name that the history of a request can store, in characters."""
PARTS: Mapping[str, Any] = {"RUN_LIMITS": Limits, "SIZES": Sizes}
"""The classes whose fields are the keys of a setting, by the name of the setting."""
MEMBERS = "django.contrib.auth.models.PermissionsMixin"


def check_settings(**_: Any) -> list[CheckMessage]:
    """Return errors for names that COUNTERSIGN doesn't have, and for values of the wrong type."""
    chosen = getattr(settings, "COUNTERSIGN", {})
    if not isinstance(chosen, Mapping):
        words = f"The setting COUNTERSIGN must be a dictionary, not {type(chosen).__name__}."
        return [Error(words, id="procedures.E003")]
    return [*_unknown(chosen), *_unfit(chosen), *_misplaced()]


def _unknown(chosen: Mapping[str, Any]) -> Iterator[CheckMessage]:
    for name in sorted(set(chosen) - NAMES):
        near = nearest(name.upper(), sorted(NAMES), at_least=0)
        words = f"COUNTERSIGN has no setting {name!r}."
        yield Error(words, hint=f"Did you mean {near}?", id="procedures.E004")


def _unfit(chosen: Mapping[str, Any]) -> Iterator[CheckMessage]:
    hints = get_type_hints(Settings, include_extras=True)
    for name in sorted(set(chosen) & NAMES):
        try:
            # Strictly, because the value is used as it is: a number of seconds is no `timedelta`.
            TypeAdapter(hints[name]).validate_python(chosen[name], strict=True)
            if name in PARTS:
                PARTS[name](**chosen[name])
        except ValidationError as error:
            yield _unfit_value(name, error.errors()[0]["msg"])
        except (ValueError, TypeError) as error:
            yield _unfit_value(name, str(error))


def _unfit_value(name: str, fault: str) -> Error:
    words = f"COUNTERSIGN: {name} can't be used: {fault.rstrip('.')}."
    return Error(words, id="procedures.E005")


def _misplaced() -> Iterator[CheckMessage]:
    """Yield warnings for product settings outside COUNTERSIGN, where they have no effect."""
    for name in sorted(NAMES - {"BASE_DIR", "LOCAL_DIR", "SITE_URL", "REDIS_URL"}):
        if hasattr(settings, name):
            words = f"The setting {name} only has an effect inside COUNTERSIGN."
            yield Warning(words, hint=f'COUNTERSIGN = {{"{name}": ...}}', id="procedures.W003")


def check_webhooks(**_: Any) -> list[CheckMessage]:
    """Return errors for webhooks that can't be used; the errors show no addresses or secrets."""
    given = getattr(settings, "COUNTERSIGN", {})
    found = given.get("WEBHOOKS", {}) if isinstance(given, Mapping) else {}
    if not isinstance(found, Mapping):
        return []  # `check_settings` reports that
    return [
        Error(f"The webhook {str(name)[:40]!r} can't be used: {fault}", id="procedures.E013")
        for name, one in found.items()
        for fault in faults_of(str(name), one)
    ]


def check_users(**_: Any) -> list[CheckMessage]:
    """Return errors if the user model can't be used with groups, permissions or user names."""
    return list(user_faults(get_user_model()))


def user_faults(model: type[Model]) -> Iterator[CheckMessage]:
    label = model._meta.label  # noqa: SLF001 (Django documents it)
    if not issubclass(model, PermissionsMixin):
        words = f"The user model {label} has no groups and permissions, which every role needs."
        yield Error(words, hint=f"Make it inherit from {MEMBERS}.", id="procedures.E006")
    if not issubclass(model, AbstractBaseUser):
        words = (
            f"Users of the model {label} can't sign in, because it doesn't inherit"
            " AbstractBaseUser."
        )
        hint = "Make it inherit from django.contrib.auth.models.AbstractBaseUser."
        yield Error(words, hint=hint, id="procedures.E007")
        return
    yield from _name_faults(model)
    if not _field(model, "is_active"):
        words = f"The user model {label} has no field 'is_active', so nobody can be deactivated."
        hint = (
            "Add a BooleanField is_active, so that people who have left can be deactivated instead "
            "of deleted and history keeps their names."
        )
        yield Warning(words, hint=hint, id="procedures.W004")
    if not hasattr(model, "is_staff"):
        words = f"The user model {label} has no is_staff, so nobody can open the administration."
        yield Warning(words, id="procedures.W005")


def _name_faults(model: type[AbstractBaseUser]) -> Iterator[CheckMessage]:
    """Yield errors about the field with the user name, by which code and history name people."""
    name = str(getattr(model, "USERNAME_FIELD", ""))
    field, called = _field(model, name), f"{model._meta.label}.{name}"  # noqa: SLF001
    if field is None or not field.unique:
        words = f"{called} identifies people, so it must be unique."
        yield Error(words, hint="Set unique=True.", id="procedures.E008")
    elif (field.max_length or 0) > LONGEST_NAME:
        words = (
            f"{called} can be longer than {LONGEST_NAME} characters, the most that history stores."
        )
        yield Error(words, hint=f"Set max_length={LONGEST_NAME}.", id="procedures.E009")


def _field(model: type[Model], name: str) -> Any:
    try:
        return model._meta.get_field(name)  # noqa: SLF001 (Django documents it)
    except FieldDoesNotExist:
        return None


def check_databases(**_: Any) -> list[CheckMessage]:
    """Return errors unless the product's tables are in the database `default` and nowhere else."""
    return [*_vendor(), *_elsewhere()]


def _vendor() -> Iterator[CheckMessage]:
    vendor = connections[DEFAULT_DB_ALIAS].vendor
    if vendor not in VENDORS:
        words = f"The database `default` is {vendor}; runs need {' or '.join(VENDORS.values())}."
        yield Error(words, id="procedures.E010")


def _elsewhere() -> Iterator[CheckMessage]:
    models = [model for app in OURS if app in apps.app_configs for model in _models(app)]
    hint = (
        "Add a router to DATABASE_ROUTERS, such as procedures.databases.DefaultRouter, that keeps "
        f"{', '.join(OURS)} in `default`. Tables of your own apps may be in other databases."
    )
    for alias in sorted(set(connections) - {DEFAULT_DB_ALIAS}):
        if any(router.allow_migrate_model(alias, model) for model in models):
            words = (
                f"The database `{alias}` would get tables of runs, which must be in `default` only."
            )
            yield Error(words, hint=hint, id="procedures.E011")
    used = {ask(model) for model in models for ask in (router.db_for_read, router.db_for_write)}
    for alias in sorted(used - {DEFAULT_DB_ALIAS}):
        words = (
            f"A router sends queries about runs to `{alias}`, but runs must be in `default` only."
        )
        yield Error(words, hint=hint, id="procedures.E012")


def _models(app: str) -> Iterator[type[Model]]:
    return iter(apps.get_app_config(app).get_models())
