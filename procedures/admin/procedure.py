"""Procedures, their code, and who may do what with their runs."""

from django.contrib import admin
from django.urls import reverse
from django.utils.safestring import SafeString

from procedures.admin.history import Admin, HistoryAdmin, Related, folded
from procedures.models import Grant, Procedure, ProcedureVersion, Run


@admin.register(Procedure)
class ProcedureAdmin(HistoryAdmin):
    list_display = ["title", "name", "on_site"]
    search_fields = ["title", "name"]
    fields = ["title", "name", "see_also"]
    readonly_fields = ["see_also"]
    related = [
        Related("Grants", Grant, "procedure__id__exact"),
        Related("Runs", Run, "procedure__id__exact"),
        Related("Versions", ProcedureVersion, "procedure__id__exact"),
    ]

    def view_on_site(self, procedure: Procedure) -> str:
        return reverse("procedure_detail", args=[procedure.name])


@admin.register(ProcedureVersion)
class ProcedureVersionAdmin(HistoryAdmin):
    list_display = ["version", "procedure", "registered_at"]
    list_filter = ["procedure"]
    list_select_related = ["procedure"]
    search_fields = ["version"]
    ordering = ["-pk"]
    fields = ["procedure", "version", "registered_at", "code"]
    readonly_fields = ["code"]

    @admin.display(description="source")
    def code(self, version: ProcedureVersion) -> SafeString:
        return folded(version.source)


@admin.register(Grant)
class GrantAdmin(Admin):
    """The one thing here that is written by hand: who may see, start, answer and operate."""

    list_display = ["procedure", "role", "group"]
    list_display_links = ["procedure", "role"]
    list_filter = ["role", "procedure", "group"]
    list_select_related = ["procedure", "group"]
    search_fields = ["procedure__title", "procedure__name", "group__name"]
    show_full_result_count = False
