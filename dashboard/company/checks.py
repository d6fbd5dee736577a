"""The checks of the settings of company accounts and second factors."""

from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from dashboard.accounts.second_factor import is_on
from dashboard.environment.company import is_installed
from procedures.conf import conf, conf_at_import
from procedures.site_checks import after_settings

NEEDS = ("OIDC_PROVIDERS", "NEW_PEOPLE_GROUP", "STAFF_NEED_SECOND_FACTOR")


def refuse_missing_factors() -> None:
    """Raise `ImproperlyConfigured` if staff need second factors and the site can't ask for them.

    A check alone wouldn't do: a web server starts without the checks, and would let staff in.
    """
    is_needed = conf_at_import.STAFF_NEED_SECOND_FACTOR
    if is_needed and (faults := after_settings(check_company)()):
        raise ImproperlyConfigured(" ".join(f"{one.msg} {one.hint}" for one in faults))


def check_company(**_: Any) -> list[CheckMessage]:
    """Return what is missing: a package, the apps, or the setting that turns the rest on.

    A site that requires second factors must not seem protected while it asks for none.
    """
    if is_on():
        return []
    if conf.COMPANY_SIGN_IN and not is_installed():
        words = "COMPANY_SIGN_IN is on, but the packages of the extra `sign-in` are missing."
        hint = "Install countersign[sign-in], or remove COMPANY_SIGN_IN."
        return [Error(words, hint=hint, id="dashboard.E003")]
    if conf.COMPANY_SIGN_IN:
        words = "COMPANY_SIGN_IN is on, but the apps of django-allauth aren't installed."
        hint = "Add the settings in `dashboard.environment.company`: see docs/sign_in.md."
        return [Error(words, hint=hint, id="dashboard.E003")]
    set_alone = [name for name in NEEDS if getattr(conf, name)]
    if not set_alone:
        return []
    words = f"These settings have no effect without COMPANY_SIGN_IN: {', '.join(set_alone)}."
    return [Error(words, hint="Set COMPANY_SIGN_IN, or remove them.", id="dashboard.E004")]
