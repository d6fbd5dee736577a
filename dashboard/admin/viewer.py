"""The viewer of an admin page: a page only links to other pages that its viewer may open."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.contrib.auth import get_permission_codename
from django.db.models import Model
from django.http import HttpResponse
from django.template.response import SimpleTemplateResponse

_viewer: ContextVar[Any] = ContextVar("viewer", default=None)


@contextmanager
def viewing(user: Any) -> Iterator[None]:
    """Let pages that are rendered inside the block link only to what this user may see.

    A template response must also be rendered inside the block.
    """
    token = _viewer.set(user)
    try:
        yield
    finally:
        _viewer.reset(token)


def may_look_at(model: type[Model]) -> bool:
    """Return True if the viewer may see the model's rows in the admin."""
    user, names = _viewer.get(), model._meta  # noqa: SLF001 (Django documents it)
    if user is None:
        return False
    codes = (get_permission_codename(action, names) for action in ("view", "change"))
    return any(user.has_perm(f"{names.app_label}.{code}") for code in codes)


def rendered(response: HttpResponse) -> HttpResponse:
    """Return the response, after rendering it if it is a template response."""
    return response.render() if isinstance(response, SimpleTemplateResponse) else response
