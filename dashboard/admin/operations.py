"""Operator actions on selected rows: a page asks for the reason, then reports on each row."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import SEARCH_VAR
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from dashboard.admin.quick import Admin
from dashboard.admin.search import found_in, searched_in
from dashboard.forms.operations import ReasonForm
from dashboard.overview.forecasts import forecast_words
from procedures.engine.errors import EngineError
from procedures.services import bulk
from procedures.services.bulk import VERBS

MOST_ROWS = 100
LONGEST_KEY = 200
NOT_FILTERS = frozenset({"p", "o", "e", "all"})
"""Parameters of a list's address that choose no rows: the page, the order and others."""
BOUNDS = {"gte": "from", "lt": "before"}
"""The words with which the log describes the bounds of a filter by time."""


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
    if operation.action in VERBS and chooses_all(request, rows):
        return operate_on_all(admin, request, rows, operation)
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
    admin: Admin, request: HttpRequest, row: Model, operation: Operation, fields: dict[str, Any]
) -> None:
    try:
        sentence = operation.act(row.pk, by=request.user, **fields)
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


def chooses_all(request: HttpRequest, rows: QuerySet[Any]) -> bool:
    """Return True if "Select all" was pressed for more rows than one page can list."""
    is_across = request.POST.get("select_across") == "1"
    return is_across and rows.order_by()[: MOST_ROWS + 1].count() > MOST_ROWS


def operate_on_all(
    admin: Admin, request: HttpRequest, rows: QuerySet[Any], operation: Operation
) -> HttpResponse:
    """Show what the operation would do to all runs of the filtered list.

    Once there is a reason, start the run that performs it.
    """
    by: Any = request.user
    form = operation.form(request.POST if "is_decided" in request.POST else None)
    runs = bulk.operable_runs(by, operation.action).filter(pk__in=rows.order_by().values("pk"))
    if form.is_valid():
        key = request.POST.get("key", "").replace("\0", "")[:LONGEST_KEY]
        given = {"reason": form.cleaned_data["reason"], "which": _described(request), "key": key}
        try:
            job = bulk.act_on_matching(runs, operation.action, by=by, **given)
        except EngineError as refusal:
            admin.message_user(request, str(refusal), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        return HttpResponseRedirect(admin.get_view_on_site_url(job) or request.path)
    found = bulk.forecast(runs, operation.action)
    context = {
        **_context(admin, request, list(rows[:1]), operation, form),
        "forecast": found,
        "sentences": list(forecast_words(operation.action, found)),
        "searched": searched_in(request),
        "most_found": found_in(request),
        "key": uuid4().hex,
    }
    return TemplateResponse(request, "procedures/admin_matching.html", context)


def _described(request: HttpRequest) -> str:
    """Return the filters of a list in the words that the log keeps, such as "status waiting"."""
    filters = []
    for name, value in request.GET.items():
        if name in NOT_FILTERS:
            continue
        field, *others = name.split("__")
        bound = f"{BOUNDS[others[-1]]} " if others and others[-1] in BOUNDS else ""
        called = "search" if name == SEARCH_VAR else field.replace("_", " ")
        filters.append(f"{called} {bound}{value}")
    return ", ".join(filters) or "all"
