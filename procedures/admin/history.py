"""How the admin shows what nobody writes by hand."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

if TYPE_CHECKING:
    Admin = admin.ModelAdmin[Any]
    Pages = Paginator[Any]
else:
    Admin = admin.ModelAdmin
    Pages = Paginator

MOST_COUNTED = 10_000
SHORT, LONGEST = 600, 100_000
"""Characters: shown at once; shown at all."""


class Related(NamedTuple):
    """A list of other rows that belong to one row."""

    label: str
    model: type[Model]
    lookup: str


class CountedToALimit(Pages):
    """Counts no more rows than somebody would leaf through: a journal may have millions."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows[:MOST_COUNTED].count())


class EditorAdmin(Admin):
    """Rows whose form is told who fills it in, as `by`."""

    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,  # noqa: FBT001, FBT002 (as Django has it)
        **kwargs: Any,
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"by": request.user})


class HistoryAdmin(Admin):
    """Rows that only the product writes: looked at, never added, changed or removed."""

    actions: Any = None
    list_per_page = 50
    paginator = CountedToALimit
    show_full_result_count = False
    related: ClassVar[list[Related]] = []
    """The layers above add theirs."""
    deferred: ClassVar[Sequence[str]] = ()
    """What may be large and stands in no list: read where it is shown."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.defer(*self.deferred)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="page")
    def on_site(self, row: Model) -> SafeString:
        """Where people see the row; for an admin that has `view_on_site`."""
        return format_html('<a href="{}">Open</a>', self.get_view_on_site_url(row))

    @admin.display(description="see also")
    def see_also(self, row: Model) -> SafeString:
        links = [(list_url(related, row), related.label) for related in self.related]
        return format_html_join(" · ", '<a href="{}">{}</a>', links)


def list_url(related: Related, row: Model) -> str:
    names = related.model._meta  # noqa: SLF001 (Django documents it)
    path = reverse(f"admin:{names.app_label}_{names.model_name}_changelist")
    return f"{path}?{related.lookup}={row.pk}"


def link(row: Model | None) -> SafeString | str:
    """A row's own page in the admin."""
    if row is None:
        return "-"
    names = row._meta  # noqa: SLF001
    path = reverse(f"admin:{names.app_label}_{names.model_name}_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', path, row)


def readable(text: str | None) -> SafeString | str:
    """A JSON text over several lines; a long one is folded, an endless one cut."""
    if not text:
        return "-"
    lines = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    return folded(lines)


def folded(text: str) -> SafeString:
    shown = text[:LONGEST]
    if len(text) <= SHORT:
        return format_html("<pre>{}</pre>", shown)
    cut = f", the first {LONGEST:,} of them" if len(text) > LONGEST else ""
    size = f"{len(text):,} characters{cut}"
    return format_html("<details><summary>{}</summary><pre>{}</pre></details>", size, shown)
