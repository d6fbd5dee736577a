"""Read-only admin pages for rows that only the product writes."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import SimpleTemplateResponse
from django.utils.functional import Promise, cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from dashboard.admin.acts import changes_in, log_row, pop_changes, sentence_of
from dashboard.admin.addresses import list_address, row_address
from dashboard.admin.filters import is_long
from dashboard.admin.quick import QuickAdmin
from dashboard.admin.viewer import may_look_at, viewing
from procedures.models import Act

if TYPE_CHECKING:
    Admin = admin.ModelAdmin[Any]
    Pages = Paginator[Any]
else:
    Admin = admin.ModelAdmin
    Pages = Paginator

MOST_COUNTED = 2_000
"""The maximum number to which the rows of a list are counted, and so the number that it shows."""
MOST_VALUES = 10_000
"""The maximum number of newest rows whose values a filter offers."""
MOST_SEARCHED = 10_000
"""The maximum number of newest rows scanned for a word that no index can find."""
MOST_FOUND = 1_000
"""The maximum number of rows that such a search finds, the newest ones."""
LOOKUPS = {"^": "istartswith", "=": "iexact"}
"""The lookup for each mark before a name in `search_fields`; "icontains" for a name without one."""
MOST_ACTS = 200
"""The maximum number of acts on a row that the row's "History" page shows, newest first."""
SHORT, LONGEST = 600, 100_000
"""The number of characters from which a JSON text is folded, and after which it is cut."""


def newest_values(model: type[Model], field: str) -> set[Any]:
    """Return the values that a field has in the newest `MOST_VALUES` rows."""
    newest: QuerySet[Any, Any] = model._base_manager.order_by("-pk")  # noqa: SLF001
    return set(newest.values_list(field, flat=True)[:MOST_VALUES])


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


class Related(NamedTuple):
    """A link from one row to the related rows of another model."""

    label: str | Promise
    model: type[Model]
    lookup: str


class OrMore(int):
    """A count that stopped at a limit because there are more rows; shown as "2,000 or more"."""

    def __str__(self) -> str:
        return _("{count} or more").format(count=f"{int(self):,}")

    @staticmethod
    def of(rows: QuerySet[Any]) -> int:
        """Return the number of the rows, counted up to `MOST_COUNTED`."""
        counted = int(rows[: MOST_COUNTED + 1].count())
        return OrMore(MOST_COUNTED) if counted > MOST_COUNTED else counted


class CountedToALimit(Pages):
    """A paginator that counts only up to a limit, because a journal may have millions of rows."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return OrMore.of(rows)


class NamedList(ChangeList):
    """A list of rows under the name of its rows."""

    def __init__(self, request: HttpRequest, *rest: Any, **more: Any) -> None:
        super().__init__(request, *rest, **more)
        if not self.is_popup:  # in which one row is to be selected
            title = getattr(self.model_admin, "title", "") or self.opts.verbose_name_plural
            self.title = capfirst(str(title))


class SearchedList(NamedList):
    """A list of rows that shows if a search covered all rows or only the newest ones."""

    searched = ""
    """The number of newest rows that were scanned, as text; "" if the search covered all rows."""
    most_found = ""
    """The maximum number of rows that a search finds, as text, if it has found so many; else ""."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request, exclude_parameters)
        self.searched, self.most_found = searched_in(request), found_in(request)
        return rows

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list: Any = list(self.result_list)
        if isinstance(self.model_admin, HistoryAdmin):
            self.model_admin.mark_on_site(self.result_list, request.user)


def searched_in(request: HttpRequest) -> str:
    """Return the number of newest rows that the search has scanned; "" if it covered all rows."""
    return str(getattr(request, "searched", ""))


def found_in(request: HttpRequest) -> str:
    """Return the maximum number of rows that a search finds if it has found so many, else ""."""
    return f"{MOST_FOUND:,}" if getattr(request, "is_cut", False) else ""


class LoggedAdmin(QuickAdmin):
    """An admin whose changes are written to the site's log.

    The "History" page of a row shows the log's entries about the row.
    """

    object_history_template = "dashboard/admin/history.html"
    title: str | Promise = ""
    """The heading of the list; by default, it is the name of the rows."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return NamedList

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        log_row(request, obj, "Added.", changes=pop_changes(request))

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        words = sentence_of(message)
        log_row(request, obj, words, changes=pop_changes(request))

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for row in queryset:
            log_row(request, row, "Deleted.")

    def construct_change_message(
        self,
        request: HttpRequest,
        form: Any,
        formsets: Any,
        add: bool = False,  # noqa: FBT001, FBT002 (as Django has it)
    ) -> Any:
        vars(request)["changes"] = changes_in(form)
        return super().construct_change_message(request, form, formsets, add)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Show the entries of the site's log about this row, instead of Django's own log."""
        with viewing(request.user):
            row = self.get_object(request, unquote(object_id))
            acts = Act.objects.about(row) if row is not None else Act.objects.none()
            lines = list(acts[: MOST_ACTS + 1])
            context = {
                "acts": lines[:MOST_ACTS],
                "is_cut": len(lines) > MOST_ACTS,
                "shows_addresses": may_look_at(Act),
            }
            shown = super().history_view(request, object_id, {**context, **(extra_context or {})})
            return rendered(shown)


class EditorAdmin(LoggedAdmin):
    """An admin whose forms know the signed-in user, as their attribute `by`."""

    searched_fields: ClassVar[Sequence[str]] = ()
    """Fields that refer to objects of which there may be thousands.

    If there are many, people search for one, instead of finding it in a selection field.
    """

    def get_autocomplete_fields(self, request: HttpRequest) -> list[str]:
        own = super().get_autocomplete_fields(request)
        known = vars(request).setdefault("searched_fields", {})
        if self not in known:  # asked for once for each field of each form
            known[self] = [one for one in self.searched_fields if self._is_searched(request, one)]
        return [*own, *known[self]]

    def _is_searched(self, request: HttpRequest, name: str) -> bool:
        """Return True if the field refers to many objects, for which the viewer may search."""
        model: Any = self.opts.get_field(name).related_model
        its_admin = self.admin_site._registry.get(model)  # noqa: SLF001
        if not its_admin or not its_admin.search_fields:
            return False
        may_search = its_admin.has_view_permission(request)
        return may_search and is_long(model)

    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,  # noqa: FBT001, FBT002 (as Django has it)
        **kwargs: Any,
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"by": request.user})


class GuardedAdmin(LoggedAdmin):
    """An admin of rows with secret fields.

    Nobody can guess the values of these fields by filtering.
    """

    secrets: ClassVar[Sequence[str]] = ()
    """The fields that are neither shown nor accepted in filters."""

    def lookup_allowed(self, lookup: str, value: str, request: Any = None) -> bool:
        """Refuse lookups on secret fields, because Django's URLs can filter by any field."""
        field = lookup.partition("__")[0].removesuffix("_id")
        return field not in self.secrets and super().lookup_allowed(lookup, value, request)


class HistoryAdmin(GuardedAdmin):
    """An admin of rows that only the product writes: they can be viewed, never changed."""

    actions: Any = None
    list_per_page = 50
    paginator = CountedToALimit
    show_full_result_count = False
    related: ClassVar[list[Related]] = []
    """Links to related rows. Modules in higher layers add their own links to this list."""
    deferred: ClassVar[Sequence[str]] = ()
    """Fields that may be large. Lists don't load them; only the page of a single row does."""
    ends_of_ids = False
    """True for a table that grows, whose ids are UUIDs that order by time.

    A search scans only the newest rows, also for the last characters of an id, which pages show.
    """
    grows = False
    """True for another table that grows with the runs. A search scans only its newest rows."""
    most_searched = MOST_SEARCHED
    """The maximum number of newest rows of a growing table that a search scans for words."""
    also_found: ClassVar[list[Callable[[str], Q]]] = []
    """Functions that turn a word of a search into a condition for rows that are found, too.

    The condition is applied to the newest rows only. Modules in higher layers add their own
    functions to this list.
    """

    def visible_on_site(self, user: Any) -> QuerySet[Any] | None:
        """Return the rows whose page outside the admin the user may see.

        None means that the rows have no such pages.
        """
        return None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).defer(*self.deferred)
        return rows

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        row = super().get_object(request, object_id, from_field)
        self.mark_on_site([row] if row else [], request.user)
        return row

    def mark_on_site(self, rows: Sequence[Any], user: Any) -> None:
        """Set `is_on_site` of each row: True if the user may see its page outside the admin."""
        visible = self.visible_on_site(user)
        if visible is None or not rows:
            return
        # A second query by keys: in a column of the list, PostgreSQL would check every row.
        seen = set(visible.filter(pk__in=[row.pk for row in rows]).values_list("pk", flat=True))
        for row in rows:
            row.is_on_site = row.pk in seen

    def get_view_on_site_url(self, obj: Any = None) -> str | None:
        url: str | None = super().get_view_on_site_url(obj)
        return url if obj is None or getattr(obj, "is_on_site", True) else None

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SearchedList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the rows that contain all words of a search.

        Of a table that grows, only the newest rows are scanned for words, because no index finds
        them. If the ids of the table are UUIDs, rows are also found by a key, such as the beginning
        of an id, however old they are, and the newest `MOST_FOUND` rows of both kinds are returned.
        Other tables are searched as Django does it.
        """
        words = search_term.split()
        # PostgreSQL refuses a NUL in a query, and no row can hold one.
        is_long = self.ends_of_ids or self.grows
        if not is_long or not words or "\0" in search_term:
            return super().get_search_results(request, queryset, search_term)
        rows = self._newest(request, queryset)
        if not self.ends_of_ids:
            return super().get_search_results(request, rows, search_term)
        keyed = queryset
        for word in words:
            by_key = self.found_by_key(word)
            keyed = keyed.filter(by_key)
            rows = rows.filter(reduce(or_, self._scanned(word), by_key))
        # The keys are read once, because the rows are counted and listed by two more statements.
        parts = [_newest_keys(found) for found in (keyed, rows)]
        vars(request)["is_cut"] = any(len(part) == MOST_FOUND for part in parts)
        keys = {key for part in parts for key in part}
        return queryset.filter(pk__in=keys), False

    def _newest(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the newest `most_searched` rows, and note in the request if there are more."""
        newest = queryset.order_by("-pk").values_list("pk", flat=True)
        # Two rows are read at the limit: the search ends at the first; the second, if any, shows
        # that there are more rows.
        floor = newest[self.most_searched - 1 : self.most_searched + 1]
        if len(floor) <= 1:
            return queryset
        vars(request)["searched"] = f"{self.most_searched:,}"
        return queryset.filter(pk__gte=floor[0])

    def found_by_key(self, word: str) -> Q:
        """Return a condition for rows of any age that an index finds by this word."""
        return id_begins_with(word)

    def _scanned(self, word: str) -> Iterator[Q]:
        """Yield the conditions of which a scanned row must fulfil one to contain this word."""
        for name in self.search_fields:
            lookup = LOOKUPS.get(name[0], "icontains")
            yield Q(**{f"{name.lstrip('^=')}__{lookup}": word})
        yield from (look(word) for look in self.also_found)
        yield id_ends_with(word)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return Django's fieldsets, with links only to rows that the viewer may see."""
        return [
            (title, {**options, "fields": [self._named(request, one) for one in options["fields"]]})
            for title, options in super().get_fieldsets(request, obj)
        ]

    def _named(self, request: HttpRequest, name: Any) -> Any:
        fields: dict[Any, Any] = {one.name: one for one in self.opts.get_fields()}
        model = getattr(fields.get(name), "related_model", None)
        with viewing(request.user):
            if model is None or may_look_at(model):
                return name

        @admin.display(description=fields[name].verbose_name)
        def said(row: Model) -> str:
            value = getattr(row, name)
            return "-" if value is None else str(value)

        return said

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        with viewing(request.user):
            return rendered(super().changelist_view(request, extra_context))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        with viewing(request.user):
            return rendered(super().changeform_view(request, object_id, form_url, extra_context))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=lazy("page"))
    def on_site(self, row: Model) -> SafeString | str:
        """Return a link to the row's page outside the admin.

        If the viewer may not see that page, "-" is returned.
        """
        url = self.get_view_on_site_url(row)
        return format_html('<a href="{}">{}</a>', url, _("Open")) if url else "-"

    @admin.display(description=lazy("see also"))
    def see_also(self, row: Model) -> SafeString:
        shown = [related for related in self.related if may_look_at(related.model)]
        links = [
            (list_address(related.model, f"{related.lookup}={row.pk}"), related.label)
            for related in shown
        ]
        return format_html_join(" · ", '<a href="{}">{}</a>', links)


def rendered(response: HttpResponse) -> HttpResponse:
    """Return the response, after rendering it if it is a template response."""
    return response.render() if isinstance(response, SimpleTemplateResponse) else response


def _newest_keys(rows: QuerySet[Any]) -> list[Any]:
    return list(rows.order_by("-pk").values_list("pk", flat=True)[:MOST_FOUND])


def id_begins_with(word: str) -> Q:
    """Return a condition for rows whose id begins with the word, which the index of ids fulfils.

    The word has at least four characters, such as "01a2".
    """
    begin = word.replace("-", "").lower()
    if not re.fullmatch(r"[0-9a-f]{4,32}", begin):
        return Q(pk__in=[])
    return Q(pk__range=(UUID(begin.ljust(32, "0")), UUID(begin.ljust(32, "f"))))


def id_ends_with(word: str) -> Q:
    """Return a condition for rows whose id ends with the word.

    The word has at least four characters, such as "f91c". Pages show ids like "3f2a·f91c", so a "·"
    in the word is ignored.
    """
    end = word.replace("·", "").lower()
    is_end = re.fullmatch(r"[0-9a-f-]{4,36}", end)
    return Q(pk__endswith=end) if is_end else Q(pk__in=[])


def link(row: Model | None) -> SafeString | str:
    """Return a link to a row's page in the admin, or its name if the viewer may not see it."""
    if row is None or not may_look_at(type(row)):
        return "-" if row is None else str(row)
    return format_html('<a href="{}">{}</a>', row_address(row), row)


def readable(text: str | None) -> SafeString | str:
    """Return a JSON text as indented HTML; long texts are folded, and very long ones are cut."""
    if not text:
        return "-"
    lines = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    return folded(lines)


def folded(text: str) -> SafeString:
    shown = text[:LONGEST]
    if len(text) <= SHORT:
        return format_html('<pre tabindex="0">{}</pre>', shown)
    size = _("{count} characters")
    if len(text) > LONGEST:
        size = _("{count} characters, of which the first {most} are shown")
    size = size.format(count=f"{len(text):,}", most=f"{LONGEST:,}")
    whole = '<details><summary>{}</summary><pre tabindex="0">{}</pre></details>'
    return format_html(whole, size, shown)
