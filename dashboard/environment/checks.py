"""Checks of texts in COUNTERSIGN, such as addresses and times of day, for `manage.py check`."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from django.core.checks import CheckMessage, Error
from pydantic import TypeAdapter, ValidationError

from procedures.conf import SECRET, fault_of_setting, given_settings
from procedures.engine.values.spelling import short_repr


def check_texts(**_: Any) -> list[CheckMessage]:
    """Return errors for addresses, times of day and limits that can't be read.

    Values of another type than text are left to `procedures.site_checks.check_settings`.
    """
    return list(_faults(given_settings()))


def _faults(given: Mapping[str, Any]) -> Iterator[CheckMessage]:
    # Imported here, because it reads the machine's time zones.
    from dashboard.environment import values  # noqa: PLC0415

    forms: dict[str, Any] = {
        "SITE_URL": values.SiteUrl,
        "REDIS_URL": values.RedisUrl,
        "VERIFY_AT": values.TimeOfDay,
        "ATTEMPTS_PER_ADDRESS": values.Attempts,
        "ATTEMPTS_PER_NAME": values.Attempts,
        "TRUSTED_PROXIES": list[values.Proxies],
        "OIDC_PROVIDERS": Annotated[
            dict[str, Any],
            values.must(
                f"like {values.SAMPLE_PROVIDERS}: {values.PROVIDER_RULES}", values.are_providers
            ),
        ],
    }
    for name in sorted(forms.keys() & given.keys()):
        if fault_of_setting(name, given[name]):  # pydantic would decode bytes
            continue
        try:
            TypeAdapter(forms[name]).validate_python(given[name])
        except ValidationError as error:
            [fault, *_] = error.errors()
            if fault["type"] == "value_error":
                words = fault["msg"].removeprefix("Value error, ")
                shown = "" if name in SECRET else f", not {short_repr(given[name])}"
                yield Error(f"COUNTERSIGN: {name} {words}{shown}.", id="dashboard.E005")
