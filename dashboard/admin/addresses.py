"""The addresses of the admin's own pages: the list of a model's rows, and the page of a row."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db.models import Model
from django.urls import reverse

from chat.access import visible_requests
from chat.models import HumanRequest


def page_address(model: type[Model], page: str, *args: object) -> str:
    """Return the address of a page of the model's admin, such as "changelist" or "export".

    Raises `NoReverseMatch` if the site has no such page.
    """
    return reverse(f"admin:{page_name(model, page)}", args=args)


def page_name(model: type[Model], page: str) -> str:
    """Return the name of the address of a page of the model's admin, within "admin:"."""
    names = model._meta  # noqa: SLF001 (Django documents it)
    return f"{names.app_label}_{names.model_name}_{page}"


def list_address(model: type[Model], query: str = "") -> str:
    """Return the address of the list of a model's rows, with a query such as "status=failed"."""
    url = page_address(model, "changelist")
    return f"{url}?{query}" if query else url


def row_address(row: Model) -> str:
    """Return the address of the page of a row."""
    return page_address(type(row), "change", row.pk)


def request_addresses(requests: Iterable[HumanRequest], user: Any) -> Mapping[UUID, str]:
    """Return the address of the page of each request, by the request's id.

    That is the page on the site, or the one in the admin if the user may not see the former.
    """
    shown = list(requests)
    seen = visible_requests(user).filter(pk__in=[one.pk for one in shown]).order_by()
    on_site = set(seen.values_list("pk", flat=True))
    return {
        one.pk: reverse("countersign:request_detail", args=[one.pk])
        if one.pk in on_site
        else row_address(one)
        for one in shown
    }
