"""The addresses of all pages of the admin, as its own table of addresses names them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import Model
from django.urls import reverse

from tests.routes import first_of, routes

Values = Mapping[str, Any]
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
NO_PAGES = ("autocomplete/", "jsi18n/", "logout/", "r/<path:content_type_id>/<path:object_id>/")
"""Data, scripts, a form without a page, and a redirect."""
IN_REGEX = "(?P<"
"""A part of the addresses of apps, which are yielded one by one, and of anything else."""
REDIRECT = re.compile(r"\w+/\w+/<path:object_id>/")
"""Addresses that Django redirects to the page of a row."""


def admin_addresses(examples: Mapping[str, Values]) -> Iterator[str]:
    """Yield the addresses below that of the admin, with rows that exist in place of parameters.

    `examples` holds the values of parameters by the first part of an address. Without any, only
    pages without parameters are yielded. Raises `KeyError` for a parameter that nothing is known
    of: a new page needs a value here.
    """
    yield from (f"{app.label}/" for app in apps.get_app_configs() if has_models(app.label))
    for route in routes(admin.site.get_urls()):
        if route in NO_PAGES or IN_REGEX in route or REDIRECT.fullmatch(route):
            continue
        if not PARAMETER.search(route):
            yield route
        elif examples:
            yield from _filled(route, examples)


def has_models(label: str) -> bool:
    """Return True if the admin has a list of a model of this app."""
    return any(model._meta.app_label == label for model in admin.site._registry)  # noqa: SLF001


def _filled(route: str, examples: Mapping[str, Values]) -> Iterator[str]:
    """Yield the address with values in place of its parameters, unless there is no such row."""
    values = examples.get(route.partition("/")[0]) or _first_row(route)
    if values is not None:
        yield PARAMETER.sub(lambda found: str(values[found[1]]), route)


def _first_row(route: str) -> Values | None:
    row = first_of(*route.split("/")[:2])
    return None if row is None else {"object_id": row.pk, "id": row.pk}


def page(name: str, model: type[Model] | Model, *args: Any) -> str:
    """The address of a page of a model's admin, such as "changelist", or "change" of a row."""
    names = model._meta  # noqa: SLF001 (Django documents it)
    return reverse(f"admin:{names.app_label}_{names.model_name}_{name}", args=args)
