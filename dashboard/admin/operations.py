"""Operator actions on selected rows: a page asks for the reason, then reports on each row."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from dashboard.admin.history import Admin
from dashboard.forms.operations import ReasonForm
from procedures.engine.errors import EngineError

MOST_ROWS = 100


@dataclass(frozen=True)
class Operation:
    """An operator action on rows.

    For each row, `act(id, by=, reason=, …)` is called, and returns a sentence.
    """

    action: str
    title: str
    act: Callable[..., str]
    form: type[ReasonForm] = ReasonForm


def operate(
    admin: Admin, request: HttpRequest, rows: QuerySet[Any], operation: Operation
) -> HttpResponse:
    """Show a page that asks for the reason; once it is submitted, act on each row.

    The result for each row is shown as a message.
    """
    chosen = chosen_rows(admin, request, rows)
    if not chosen:
        return HttpResponseRedirect(request.get_full_path())
    # The POST of the admin's action menu only opens the page; nothing is done without a reason.
    form = operation.form(request.POST if "is_decided" in request.POST else None)
    if not form.is_valid():
        return TemplateResponse(
            request,
            "procedures/admin_operation.html",
            _context(admin, request, chosen, operation, form),
        )
    for row in chosen:
        _act(admin, request, row, operation, form.cleaned_data)
    return HttpResponseRedirect(request.path)


def chosen_rows(admin: Admin, request: HttpRequest, rows: QuerySet[Any]) -> list[Any]:
    """Return the selected rows; if there are more than `MOST_ROWS`, show an error and return []."""
    chosen = list(rows[: MOST_ROWS + 1])
    if len(chosen) <= MOST_ROWS:
        return chosen
    admin.message_user(
        request, _("Choose at most {count} rows.").format(count=MOST_ROWS), messages.ERROR
    )
    return []


def _act(
    admin: Admin, request: HttpRequest, row: Model, operation: Operation, said: dict[str, Any]
) -> None:
    try:
        sentence = operation.act(row.pk, by=request.user, **said)
    except EngineError as refusal:
        admin.message_user(
            request,
            _("{row} stays as it is. {reason}").format(row=row, reason=refusal),
            messages.ERROR,
        )
    else:
        admin.message_user(request, f"{row}: {sentence}", messages.SUCCESS)


def _context(
    admin: Admin,
    request: HttpRequest,
    chosen: list[Any],
    operation: Operation,
    form: ReasonForm,
) -> dict[str, Any]:
    return {
        **admin.admin_site.each_context(request),
        "title": operation.title,
        "opts": admin.opts,
        "rows": [(row, admin.get_view_on_site_url(row)) for row in chosen],
        "operation": operation,
        "form": form,
        "checkbox": ACTION_CHECKBOX_NAME,
        "media": admin.media,
    }
