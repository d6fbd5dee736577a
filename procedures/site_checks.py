"""Checks of the site around this app, for `manage.py check`: settings, user model and databases."""

from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, PermissionsMixin
from django.core.checks import CheckMessage, Error, register, run_checks
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections, router
from django.db.models import Model

from procedures.conf import NAMES, UnfitSettingError, conf, fault_of_setting, given_settings, listed
from procedures.databases import OURS as OUR_APPS
from procedures.engine.values.spelling import nearest
from procedures.webhooks import faults_of

OURS = sorted(OUR_APPS)
VENDORS = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
LONGEST_NAME = 254
"""The longest user name that the history of a request can store, in characters."""
SETTINGS = "countersign_settings"
"""The tag of the checks of settings."""
MEMBERS = "django.contrib.auth.models.PermissionsMixin"
Check = Callable[..., list[CheckMessage]]


def after_settings(check: Check) -> Check:
    """Return a check that is left out while a setting that it reads can't be used.

    `check_settings` reports such a setting.
    """

    @wraps(check)
    def checked(**given: Any) -> list[CheckMessage]:
        try:
            return check(**given)
        except UnfitSettingError:
            return []

    return checked


def register_of_settings(check: Check) -> None:
    """Register a check of settings, which `refuse_wrong_settings` also runs."""
    register(after_settings(check), SETTINGS)


def refuse_wrong_settings() -> None:
    """Raise `ImproperlyConfigured` with the errors of the checks of settings.

    Servers, workers and some commands start without Django's checks, and call this instead.
    """
    found = [one for one in run_checks(tags=[SETTINGS]) if one.is_serious()]
    if errors := [str(one.msg) for one in found if not one.is_silenced()]:
        raise ImproperlyConfigured(" ".join(errors))


def check_settings(**_: Any) -> list[CheckMessage]:
    """Return errors for names that COUNTERSIGN doesn't have, and for values of the wrong type."""
    try:
        given = given_settings()
    except UnfitSettingError as error:
        return [Error(str(error), id="procedures.E003")]
    return [*_unknown(given), *_unfit(given), *_misplaced()]


def _unknown(given: Mapping[str, Any]) -> Iterator[CheckMessage]:
    for name in sorted(set(map(str, given)) - NAMES):
        near = nearest(name.upper(), sorted(NAMES), at_least=0)
        words = f"COUNTERSIGN has no setting {name!r}."
        yield Error(words, hint=f"Did you mean {near}?", id="procedures.E004")


def _unfit(given: Mapping[str, Any]) -> Iterator[CheckMessage]:
    for name in sorted(NAMES.intersection(given)):
        if fault := fault_of_setting(name, given[name]):
            yield Error(fault, id="procedures.E005")


def check_listed(**_: Any) -> list[CheckMessage]:
    """Return an error for each list of classes in which one can't be used."""
    return list(_listed())


def _listed() -> Iterator[CheckMessage]:
    for register_classes in listed:
        try:
            register_classes()
        except UnfitSettingError:  # `check_settings` reports that
            continue
        except ImproperlyConfigured as error:
            yield Error(str(error), id="procedures.E014")


def _misplaced() -> Iterator[CheckMessage]:
    """Yield warnings for product settings outside COUNTERSIGN, where they have no effect."""
    for name in sorted(NAMES - {"BASE_DIR", "LOCAL_DIR", "SITE_URL", "REDIS_URL"}):
        if hasattr(settings, name):
            words = f"The setting {name} only has an effect inside COUNTERSIGN."
            yield CheckWarning(words, hint=f'COUNTERSIGN = {{"{name}": ...}}', id="procedures.W003")


def check_webhooks(**_: Any) -> list[CheckMessage]:
    """Return errors for webhooks that can't be used; the errors show no addresses or secrets."""
    return [
        Error(f"The webhook {str(name)[:40]!r} can't be used: {fault}", id="procedures.E013")
        for name, one in conf.WEBHOOKS.items()
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
        yield CheckWarning(words, hint=hint, id="procedures.W004")
    if not hasattr(model, "is_staff"):
        words = f"The user model {label} has no is_staff, so nobody can open the administration."
        yield CheckWarning(words, id="procedures.W005")


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
