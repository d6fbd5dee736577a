"""Filters of the admin's lists that Django lacks."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.dateparse import parse_date
from django.utils.timezone import localdate, make_aware
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from procedures.models import Procedure

MOST_PROCEDURES = 500
"""The maximum number of procedures that a filter offers."""


class Between(admin.FieldListFilter):
    """A filter by a range of days: the first and the last day, in the viewer's time zone.

    It also offers the ranges that people need most: today, the last seven days, and this month.
    Unlike Django's hierarchy of dates, it asks the database for nothing.
    """

    template = "dashboard/admin/between.html"

    def __init__(self, field: Any, request: HttpRequest, params: Any, *rest: Any, **more: Any):
        path = more.get("field_path") or rest[-1]
        self.first, self.last = f"{path}__from", f"{path}__to"
        super().__init__(field, request, params, *rest, **more)
        self.title = _("time") if self.field.name == "at" else self.title

    def expected_parameters(self) -> list[str | None]:
        return [self.first, self.last]

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Yield what the filter's form shows: two days, and the parameters of the other filters."""
        yield {
            "days": [
                (self.first, _("From"), self._text(self.first)),
                (self.last, _("To"), self._text(self.last)),
            ],
            "often": [
                (words, changelist.get_query_string({self.first: first, self.last: today}), is_set)
                for words, first, today, is_set in self._often()
            ],
            "kept": other_parameters(changelist, self.first, self.last),
            "is_used": bool(self._text(self.first) or self._text(self.last)),
            "all": changelist.get_query_string(remove=[self.first, self.last]),
        }

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        first, last = self._day(self.first), self._day(self.last)
        if first:
            rows = rows.filter(**{f"{self.field_path}__gte": _start_of(first)})
        if last:
            rows = rows.filter(**{f"{self.field_path}__lt": _start_of(last + timedelta(days=1))})
        return rows

    def _often(self) -> Iterator[tuple[str, date, date, bool]]:
        """Yield the usual ranges: words, first and last day, and True if it is the one in use."""
        today = localdate()
        chosen = (self._text(self.first), self._text(self.last))
        for words, first in (
            (_("Today"), today),
            (_("Last 7 days"), today - timedelta(days=6)),
            (_("This month"), today.replace(day=1)),
        ):
            yield words, first, today, chosen == (f"{first}", f"{today}")

    def _text(self, name: str) -> str:
        found = self.used_parameters.get(name) or [""]
        return str(found[-1] if isinstance(found, list) else found)

    def _day(self, name: str) -> date | None:
        """Return the day in a parameter of the address, or None if the parameter is absent.

        Raises `IncorrectLookupParameters` for a text that isn't a date, as Django does for a wrong
        filter.
        """
        text = self._text(name)
        try:
            day = parse_date(text) if text else None
        except ValueError:
            day = None
        if text and (day is None or not 1 < day.year < date.max.year):
            raise IncorrectLookupParameters(text)
        return day


class Chosen(admin.SimpleListFilter):
    """A filter with many values: they are options of a selection field, not a list of links."""

    template = "dashboard/admin/chosen.html"

    def choices(self, changelist: Any) -> Iterator[Any]:
        yield {
            "name": self.parameter_name,
            "values": [
                (value, words, str(value) == self.value()) for value, words in self.lookup_choices
            ],
            "kept": other_parameters(changelist, str(self.parameter_name)),
        }


class ByProcedure(Chosen):
    """A filter by a procedure. Subclasses set `path`, which leads from a row to its procedure."""

    title = lazy("procedure")
    parameter_name = "procedure"
    path = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        found = Procedure.objects.order_by("title").values_list("name", "title")
        return [(name, title) for name, title in found[:MOST_PROCEDURES]]

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        name = self.value()
        if not name:
            return rows
        # Its key first: rows are found by an index on the key, but not through a joined name.
        keys = Procedure.objects.filter(name=name).values_list("pk", flat=True)
        return rows.filter(**{self.path: keys[0]}) if keys else rows.none()


def other_parameters(changelist: Any, *names: str) -> list[tuple[str, str]]:
    """Return the parameters in a list's address as pairs of name and value, without these names."""
    kept = [
        (name, value)
        for name, values in changelist.filter_params.items()
        for value in values
        if name not in names
    ]
    return [*kept, *([("q", changelist.query)] if changelist.query else [])]


def _start_of(day: date) -> datetime:
    return make_aware(datetime.combine(day, time.min))
