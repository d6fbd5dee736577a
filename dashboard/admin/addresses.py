"""The addresses of the admin's own pages: the list of a model's rows, and the page of a row."""

from django.db.models import Model
from django.urls import reverse


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
