"""Read-only admin pages for rows that only the product writes."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, NamedTuple

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from dashboard.admin.addresses import list_address, row_address
from dashboard.admin.lists import CountedToALimit, NamedList
from dashboard.admin.logged import GuardedAdmin
from dashboard.admin.search import SearchedAdmin, found_in, searched_in
from dashboard.admin.viewer import may_look_at, viewing
from procedures.models import Tombstone
from procedures.services.retention.holds import removed_sentence


class Related(NamedTuple):
    """A link from one row to the related rows of another model."""

    label: str | Promise
    model: type[Model]
    lookup: str


class SearchedList(NamedList):
    """A list of rows that shows if a search covered all rows or only the newest ones."""

    searched = ""
    """The number of newest rows that were scanned, as text; "" if the search covered all rows."""
    most_found = ""
    """The maximum number of rows that a search finds, as text; "" if it has found fewer."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request, exclude_parameters)
        self.searched, self.most_found = searched_in(request), found_in(request)
        return rows

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list: Any = list(self._rows_with(self._keys_of_page()))
        if isinstance(self.model_admin, HistoryAdmin):
            self.model_admin.mark_on_site(self.result_list, request.user)

    def _keys_of_page(self) -> Sequence[Any]:
        paginator: Any = self.paginator
        keys: Sequence[Any] = paginator.keys[: paginator.count]
        if not self.multi_page or (self.show_all and self.can_show_all):
            return keys
        return keys[(self.page_num - 1) * self.list_per_page :][: self.list_per_page]

    def _rows_with(self, keys: Sequence[Any]) -> Iterator[Any]:
        """Yield the rows with these keys, in the order of the keys.

        Related rows are joined only to these rows, and not to all rows that the list passes over.
        """
        rows = self.apply_select_related(self.root_queryset.filter(pk__in=keys).order_by())
        found = {row.pk: row for row in rows}
        yield from (found[key] for key in keys if key in found)


class HistoryAdmin(SearchedAdmin, GuardedAdmin):
    """An admin of rows that only the product writes: they can be viewed, never changed."""

    actions: Any = None
    list_per_page = 50
    paginator = CountedToALimit
    show_full_result_count = False
    related: ClassVar[list[Related]] = []
    """Links to related rows. Modules in higher layers add their own links to this list."""
    deferred: ClassVar[Sequence[str]] = ()
    """Fields that may be large. Lists don't load them; only the page of a single row does."""

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

    def tombstone_of(self, key: str) -> Tombstone | None:
        """Return the tombstone of the run with which a row was removed; None if none names the row.

        `key` is the row's key, as the address of its page has it.
        """
        return None

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Any, object_id: str
    ) -> HttpResponse:
        """Redirect from the page of a removed row to its run's tombstone, or to the first page.

        Links to the page stay: in the log, in exported tables and in people's notes.
        """
        if not self.has_view_permission(request):  # Django looks at that later in some views
            raise PermissionDenied
        key = unquote(object_id)
        with viewing(request.user):
            if found := self.tombstone_of(key):
                messages.warning(request, removed_sentence(found))
                return redirect(row_address(found) if may_look_at(Tombstone) else "admin:index")
        words = _("{what} {key} doesn't exist. Records are removed after their retention period.")
        messages.warning(request, words.format(what=capfirst(opts.verbose_name), key=key))
        return redirect("admin:index")

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

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=lazy("page"))
    def on_site(self, row: Model) -> SafeString | str:
        return self.link_on_site(row, _("Open"))

    def link_on_site(self, row: Model, label: str) -> SafeString | str:
        """Return a link with these words to the row's page outside the admin.

        If the viewer may not see that page, "-" is returned.
        """
        url = self.get_view_on_site_url(row)
        return format_html('<a href="{}">{}</a>', url, label) if url else "-"

    @admin.display(description=lazy("see also"))
    def see_also(self, row: Model) -> SafeString:
        shown = [related for related in self.related if may_look_at(related.model)]
        links = [
            (list_address(related.model, f"{related.lookup}={row.pk}"), related.label)
            for related in shown
        ]
        return format_html_join(" · ", '<a href="{}">{}</a>', links)
