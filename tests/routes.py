"""Every address of the site, read from the resolver: a new route is tested without being named."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.urls import URLPattern, URLResolver, get_resolver

PARAMETER = re.compile(r"([^/]*)/<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)")


@dataclass(frozen=True)
class Address:
    """A route with its parameters filled in."""

    path: str
    is_of_something: bool
    """True if it names a row."""

    @property
    def is_admin(self) -> bool:
        return self.path.startswith("/admin/")

    @property
    def is_api(self) -> bool:
        return self.path.startswith("/api/")


def addresses(values: Mapping[str, object]) -> Iterator[Address]:
    """`values` by the segment before the parameter and its name: {"runs/run_id": run.pk}.

    A route with a parameter that has no value fails the test: give it one.
    """
    for route in routes(get_resolver().url_patterns):
        filled, count = PARAMETER.subn(partial(value_of, route, values), route)
        yield Address("/" + filled.strip("^$"), is_of_something=bool(count))


def routes(patterns: Sequence[URLPattern | URLResolver], prefix: str = "") -> Iterator[str]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern).removeprefix("^")
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            yield route.removesuffix("$")


def value_of(route: str, values: Mapping[str, object], found: re.Match[str]) -> str:
    before, name, in_regex = found.groups()
    if in_regex:
        return {"app_label": "countersign_procedures", "url": "nowhere"}[in_regex]
    if name in {"object_id", "id"}:  # of the admin
        return f"{before}/{first_row(route)}"
    if name == "content_type_id":
        return f"{before}/{ContentType.objects.get(model='run').pk}"
    return f"{before}/{values[f'{before}/{name}']}"


def first_row(route: str) -> object:
    """The key of a row of the model whose page of the admin it is."""
    _admin, app, model, *_rest = route.split("/")
    if app == "r":
        model = "run"
        app = "countersign_procedures"
    row = first_of(app, model)
    assert row, f"There is no {model} to look at."
    return row.pk


def first_of(app: str, model: str) -> Model | None:
    found: Model | None = apps.get_model(app, model)._default_manager.first()  # noqa: SLF001 (Django documents it)
    return found
