"""Filters of the admin's lists that Django lacks."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.dateparse import parse_date
from django.utils.timezone import localdate, make_aware
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from procedures.models import Procedure
from procedures.users import name_field, users

MOST_OPTIONS = 50
"""The maximum number of objects that a filter offers. If there are more, people type a name."""
MOST_VALUES = 10_000
"""The maximum number of newest rows whose values a filter offers."""
MOST_KEYS = 100
"""The maximum number of objects whose keys are read before their rows are filtered."""


class Between(admin.FieldListFilter):
    """A filter by a range of days: the first and the last day, in the viewer's time zone.

    It also offers the ranges that people need most: today, the last seven days, and this month.
    Unlike Django's hierarchy of dates, it needs no database query for what it offers.
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
        """Yield the usual ranges: label, first day, last day, and True if the range is selected."""
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


class ByProcedure(admin.SimpleListFilter):
    """A filter by a procedure. Subclasses set `path`, which leads from a row to its procedure.

    If there are few procedures, people select one of them. If there are many, people type a name, a
    title, or a part of one.
    """

    title = lazy("procedure")
    parameter_name = "procedure"
    path = ""
    template = "dashboard/admin/chosen.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        found = Procedure.objects.order_by("title").values_list("name", "title")
        offered = list(found[: MOST_OPTIONS + 1])
        self.is_typed = len(offered) > MOST_OPTIONS
        return [] if self.is_typed else offered

    def has_output(self) -> bool:
        return self.is_typed or super().has_output()

    def choices(self, changelist: Any) -> Iterator[Any]:
        yield {
            "name": self.parameter_name,
            "is_typed": self.is_typed,
            "text": self.value() or "",
            "values": [
                (value, words, str(value) == self.value()) for value, words in self.lookup_choices
            ],
            "kept": other_parameters(changelist, str(self.parameter_name)),
        }

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        name = self.value()
        return rows.filter(related_to(self.path, Procedure.objects.all(), name)) if name else rows


def newest_values(model: type[Model], field: str) -> set[Any]:
    """Return the values that a field has in the newest `MOST_VALUES` rows."""
    newest: QuerySet[Any, Any] = model._base_manager.order_by("-pk")  # noqa: SLF001
    text, cells = newest.values_list(field)[:MOST_VALUES].query.sql_with_params()
    with connection.cursor() as cursor:
        # Of thousands of rows, only the few values are sent. The ORM has no DISTINCT after a LIMIT.
        cursor.execute(f"SELECT DISTINCT * FROM ({text}) AS newest", cells)  # noqa: S608
        return {value for (value,) in cursor.fetchall()}


class NamedValues(admin.AllValuesFieldListFilter):
    """A filter by the values of a field. An empty value has the label "None".

    It offers the values that the field has in the newest `MOST_VALUES` rows, and the chosen value.
    """

    def __init__(self, field: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(field, *args, **kwargs)
        used = newest_values(field.model, field.name)
        if self.lookup_val is not None:
            used.update(self.lookup_val)
        # This replaces the query that Django has prepared, which reads the whole table.
        self.lookup_choices: Any = sorted(used, key=str)

    def choices(self, changelist: Any) -> Iterator[Any]:
        for choice in super().choices(changelist):
            yield {**choice, "display": choice["display"] or _("None")}


class RelatedRows(admin.RelatedFieldListFilter):
    """A filter by a related object.

    It offers only objects that at least one row of the list refers to. If there are many objects,
    people type the name of one instead, or a part of a name, or they tick "None", which takes
    precedence over a name.
    """

    def __init__(self, field: Any, request: HttpRequest, params: Any, *rest: Any, **more: Any):
        self.typed = f"{more.get('field_path') or rest[-1]}__named"
        super().__init__(field, request, params, *rest, **more)
        if self.is_typed:
            self.template = "dashboard/admin/chosen.html"

    def expected_parameters(self) -> list[str | None]:
        return [*super().expected_parameters(), self.typed]

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        self.others: Any = field.related_model._base_manager.all()  # noqa: SLF001
        self.is_typed = is_long(field.related_model)
        if self.is_typed:
            return []
        # Each object is looked up by an index; Django's own filter reads the whole table.
        rows = field.model._base_manager.filter(**{field.name: OuterRef("pk")})  # noqa: SLF001
        ordering = self.field_admin_ordering(field, request, model_admin)
        is_used = Q(Exists(rows.order_by()))
        return field.get_choices(include_blank=False, ordering=ordering, limit_choices_to=is_used)

    def has_output(self) -> bool:
        return self.is_typed or super().has_output()

    def choices(self, changelist: Any) -> Iterator[Any]:
        if not self.is_typed:
            yield from super().choices(changelist)
            return
        own = filter(None, self.expected_parameters())
        yield {
            "name": self.typed,
            "is_typed": True,
            "text": self._text,
            "none": str(self.lookup_kwarg_isnull) if self.include_empty_choice else "",
            "is_none": bool(self.lookup_val_isnull),
            "kept": other_parameters(changelist, *own),
        }

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> Any:
        names: Any = self.used_parameters.pop(self.typed, None)
        found: Any = super().queryset(request, rows)
        if names and names[-1] and not self.lookup_val_isnull:
            self.used_parameters[self.typed] = names
            found = found.filter(related_to(self.field_path, self.others, names[-1]))
        return found

    @property
    def _text(self) -> str:
        """The typed name, or the name of the object that the list's address names by its key."""
        names: Any = self.used_parameters.get(self.typed)
        keys: Any = self.lookup_val
        if names:
            return str(names[-1])
        return str(self.others.filter(pk=keys[-1]).first() or "") if keys else ""


def is_long(model: type[Model]) -> bool:
    """Return True if a model has more than `MOST_OPTIONS` rows, too many for a selection field."""
    rows: QuerySet[Any] = model._base_manager.order_by()  # noqa: SLF001 (Django documents it)
    return rows[: MOST_OPTIONS + 1].count() > MOST_OPTIONS


def related_to(path: str, others: QuerySet[Any], name: str) -> Q:
    """Return a condition for rows that refer to an object with this name.

    If no object has the name, the condition is for objects whose names contain it.
    """
    keys = _keys_of(_named(others, "iexact", name)) or _keys_of(_named(others, "icontains", name))
    if len(keys) > MOST_KEYS:
        return Q(**{f"{path}__in": _named(others, "icontains", name)})
    # Their keys first: rows are found by an index on the key, but not through a joined name.
    return Q(**{path: keys[0]}) if len(keys) == 1 else Q(**{f"{path}__in": keys})


def _keys_of(found: QuerySet[Any, Any]) -> list[Any]:
    return list(found[: MOST_KEYS + 1])


def _named(others: QuerySet[Any], lookup: str, name: str) -> QuerySet[Any, Any]:
    """Return the keys of the objects with a name that fits a text by this lookup."""
    found = others.filter(is_named(others.model, lookup, name))
    return found.order_by().values_list("pk", flat=True)


def is_named(model: type[Model], lookup: str, name: str) -> Q:
    """Return a condition for objects with a name that fits a text by this lookup."""
    # PostgreSQL refuses a NUL in a query, and no row can hold one.
    text = name.replace("\0", "")
    return reduce(or_, (Q(**{f"{field}__{lookup}": text}) for field in name_fields(model)))


def name_fields(model: type[Model]) -> Sequence[str]:
    """Return the fields of a procedure, a group or a person by which people know it."""
    if model is users().model:
        return [name_field()]
    return ["name"] if model is Group else ["name", "title"]


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
