"""Admins whose changes are written to the site's log, and whose secret fields nobody can guess."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.db.models import ForeignKey, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise

from dashboard.admin.acts import changes_in, log_row, pop_changes, sentence_of
from dashboard.admin.filters import is_long
from dashboard.admin.lists import NamedList, is_too_long
from dashboard.admin.quick import QuickAdmin
from dashboard.admin.viewer import may_look_at, rendered, viewing
from procedures.models import Act
from procedures.models.act import ActQuerySet

MOST_ACTS = 200
"""The maximum number of log entries that a row's "History" page shows, newest first."""


class LoggedAdmin(QuickAdmin):
    """An admin whose changes are written to the site's log.

    The "History" page of a row shows the log's entries about the row.
    """

    object_history_template = "dashboard/admin/history.html"
    title: str | Promise = ""
    """The heading of the list; by default, it is the name of the rows."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return NamedList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the rows that contain all words of a search; none if the search is too long.

        The form of a list refuses such a search, but a field in which people search doesn't.
        """
        if is_too_long(search_term):
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return Django's fieldsets, with links only to rows that the viewer may see."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return fieldsets
        return [
            (title, {**options, "fields": [self._named(request, one) for one in options["fields"]]})
            for title, options in fieldsets
        ]

    def _named(self, request: HttpRequest, name: Any) -> Any:
        fields: dict[Any, Any] = {one.name: one for one in self.opts.get_fields()}
        related = fields.get(name)
        model: Any = related.related_model if isinstance(related, ForeignKey) else None
        with viewing(request.user):
            if model is None or may_look_at(model):
                return name

        @admin.display(description=fields[name].verbose_name)
        def related_name(row: Model) -> str:
            value = getattr(row, name)
            return "-" if value is None else str(value)

        return related_name

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

    def acts_about(self, row: Any) -> ActQuerySet:
        """Return the entries of the site's log that the history of this row shows."""
        return Act.objects.about(row)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Show the entries of the site's log about this row, instead of Django's own log."""
        with viewing(request.user):
            row = self.get_object(request, unquote(object_id))
            acts = self.acts_about(row) if row is not None else Act.objects.none()
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
    """Fields whose choices may be thousands of objects.

    If there are many, people search for an object instead of finding it in a selection field.
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
