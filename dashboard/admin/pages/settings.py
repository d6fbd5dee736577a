"""The page that shows the values of the site's settings, and the source of each value."""

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from dashboard.admin.pages.parts import add_part, draw, may_all
from dashboard.environment.variables import Environment
from procedures.conf import NAMES, Settings, conf
from procedures.engine.values.secrecy import masked

SECRETS = {"LEDGER_KEY", "LEDGER_KEY_FALLBACKS", "PUSH_KEY"}
"""The settings whose values are hidden: the page shows only whether they are set."""
NAMED_ONLY = {"OIDC_PROVIDERS", "WEBHOOKS"}
"""The settings that map names to secret values: the page shows only the names."""
may_look = may_all("countersign_procedures.view_installation")


class InForce(NamedTuple):
    """A setting as this process uses it: its name, its value as text, and the value's source."""

    name: str
    value: str
    source: str
    is_default: bool


@add_part("settings/", "settings", may_look, lazy("Settings"), place=10)
def settings_in_force(request: HttpRequest) -> HttpResponse:
    """Show all settings. Of a secret, the page shows only whether it is set."""
    found = [in_force(name) for name in sorted(NAMES)]
    return draw(request, "dashboard/admin/settings.html", _("Settings"), settings=found)


def in_force(name: str) -> InForce:
    """Return a setting with the value that this process uses."""
    value, default = getattr(conf, name), getattr(Settings, name)
    variables = [one for one in variables_of(name) if one in os.environ]
    if variables:
        return InForce(name, _shown(name, value), ", ".join(variables), is_default=False)
    is_given = name in getattr(settings, "COUNTERSIGN", {}) and _plain(value) != _plain(default)
    source = _("settings of the project") if is_given else _("default")
    return InForce(name, _shown(name, value), source, is_default=not is_given)


def variables_of(name: str) -> list[str]:
    """Return the names of the environment variables that can set this setting of the product."""
    return [one for one in Environment.model_fields if one == name or one.startswith(f"{name}_")]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, list | tuple) else value


def _shown(name: str, value: Any) -> str:
    if name in SECRETS:
        return _("set") if value else _("not set")
    if name in NAMED_ONLY:
        return ", ".join(sorted(value)) or "—"
    if name.endswith("_URL"):
        return _without_password(str(value))
    if isinstance(value, timedelta):
        return _("{seconds} s").format(seconds=f"{value.total_seconds():,.0f}")
    return masked(", ".join(_parts(value))) or "—"


def _parts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [f"{key}: {one}" for key, one in sorted(value.items())]
    return list(map(str, value)) if isinstance(value, list | tuple) else [str(value)]


def _without_password(url: str) -> str:
    """Return the address without user name, password and query."""
    host = urlsplit(url).netloc.rpartition("@")[2]
    return urlsplit(url)._replace(netloc=host, query="").geturl()
