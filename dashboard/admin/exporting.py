"""Lists of the admin that people can download as a table (CSV)."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from dashboard.admin.addresses import page_address, page_name
from dashboard.admin.history import HistoryAdmin
from dashboard.admin.viewer import viewing
from procedures.models.act import Act, counted, log_act

MOST_EXPORTED = 50_000
"""The maximum number of rows in a file; a file of a longer list has the newest rows."""
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Characters that make spreadsheets read a text that begins with one of them as a formula.

Full-width forms of these characters are included.
"""
Column = tuple[str, Callable[[Any], Any]]


class ExportedAdmin(HistoryAdmin):
    """An admin whose list can be downloaded, with its filters. The log names who downloads it.

    Its rows have a time `at`.
    """

    change_list_template = "dashboard/admin/exported_list.html"
    columns: ClassVar[Sequence[Column]] = ()
    """The columns of the file: pairs of a heading and a function that returns a row's value."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.export_view)
        name = page_name(self.model, "export")
        return [path("export/", view, name=name), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        address = page_address(self.model, "export")
        query = request.GET.urlencode()
        export = f"{address}?{query}" if query else address
        context = {"export": export, **(extra_context or {})}
        return super().changelist_view(request, context)

    @admin.display(description=lazy("time"), ordering="pk")
    def at_second(self, row: Any) -> SafeString:
        return SafeString(render_to_string("dashboard/admin/_second.html", {"at": row.at}))

    def export_view(self, request: HttpRequest) -> HttpResponse:
        """Return the list as a CSV file with at most `MOST_EXPORTED` rows."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "POST":  # the log notes it, and reading a page changes nothing
            return HttpResponseNotAllowed(["POST"])
        with viewing(request.user):
            try:
                listed = self.get_changelist_instance(request)
            except IncorrectLookupParameters as fault:
                raise BadRequest(str(fault)) from None
            rows = list(listed.get_queryset(request)[: MOST_EXPORTED + 1])
            text = csv_of(self.columns, rows[:MOST_EXPORTED])
        count = min(len(rows), MOST_EXPORTED)
        query = request.GET.urlencode()
        words = f"Exported {counted(count, 'row')} of {self.opts.model_name}"
        by: Any = request.user
        log_act(Act.Kind.EXPORT, f"{words}: {query}." if query else f"{words}.", by=by)
        if len(rows) > MOST_EXPORTED:
            text += _(
                "This file has only the newest rows. For older rows, choose earlier days.\r\n"
            )
        answer = HttpResponse(text, content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="{self.opts.model_name}.csv"'
        return answer


def csv_of(columns: Sequence[Column], rows: Iterable[Any]) -> str:
    """Return a table as CSV text. Times are in UTC, without fractions of seconds."""
    lines = io.StringIO()
    writer = csv.writer(lines)
    writer.writerow([heading for heading, _value in columns])
    for row in rows:
        writer.writerow([_cell(value(row)) for _heading, value in columns])
    return lines.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
