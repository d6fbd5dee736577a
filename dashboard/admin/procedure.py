"""Admin pages for procedures, their code, and the roles granted on them."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from chat.models import HumanRequest
from dashboard.admin.addresses import list_address
from dashboard.admin.careful import CarefulAdmin
from dashboard.admin.filters import RelatedRows
from dashboard.admin.history import HistoryAdmin, Related
from dashboard.admin.lists import OrMore
from dashboard.admin.values import folded
from dashboard.admin.viewer import may_look_at
from dashboard.models import RetiredGroup
from procedures import access, registry
from procedures.models import Grant, Procedure, ProcedureVersion, Run
from procedures.users import User

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Grant]
else:
    ModelForm = forms.ModelForm


@admin.register(Procedure)
class ProcedureAdmin(HistoryAdmin):
    list_display = ["title", "name", "code", "on_site"]
    search_fields = ["title", "name"]
    fields = ["title", "name", "code", "waiting", "see_also"]
    readonly_fields = ["code", "waiting", "see_also"]
    related = [
        Related(lazy("Grants"), Grant, "procedure__id__exact"),
        Related(lazy("Runs"), Run, "procedure__id__exact"),
        Related(lazy("Versions"), ProcedureVersion, "procedure__id__exact"),
    ]

    @admin.display(description=lazy("code"))
    def code(self, procedure: Procedure) -> SafeString | str:
        """Return whether this process has the procedure's code; if it can't be read, also why."""
        if registry.find(procedure.name):
            return _("installed")
        if fault := registry.broken().get(procedure.name):
            return format_html("<strong>{}</strong> {}", _("can't be read"), fault)
        return format_html("<strong>{}</strong>", _("gone"))

    @admin.display(description=lazy("waiting"))
    def waiting(self, procedure: Procedure) -> SafeString | str:
        """Return the numbers of unended runs and of open requests, with a link to these runs.

        Without the code, these runs can't continue.
        """
        unended = Run.objects.filter(procedure=procedure).unended().order_by()
        runs, requests = OrMore.of(unended), OrMore.of(self._open(procedure))
        words = _("Runs that haven't ended: {runs}. Open requests: {requests}.")
        sentence = words.format(runs=runs, requests=requests)
        if not runs or not may_look_at(Run):
            return sentence
        query = f"procedure__id__exact={procedure.pk}&ended_at__isnull=True"
        return format_html('<a href="{}">{}</a>', list_address(Run, query), sentence)

    def _open(self, procedure: Procedure) -> QuerySet[HumanRequest]:
        return HumanRequest.objects.open().filter(wait__run__procedure=procedure).order_by()

    def visible_on_site(self, user: Any) -> QuerySet[Procedure]:
        return access.visible_procedures(user)

    def view_on_site(self, procedure: Procedure) -> str:
        return reverse("countersign:procedure_detail", args=[procedure.name])


@admin.register(ProcedureVersion)
class ProcedureVersionAdmin(HistoryAdmin):
    list_display = ["version", "procedure", "registered_at"]
    list_filter = [("procedure", RelatedRows)]
    list_select_related = ["procedure"]
    search_fields = ["version"]
    ordering = ["-pk"]
    fields = ["procedure", "version", "file", "registered_at", "code"]
    readonly_fields = ["code"]

    @admin.display(description=lazy("source"))
    def code(self, version: ProcedureVersion) -> SafeString:
        return folded(version.source)


class GrantForm(ModelForm):
    """A form for a grant of a role. Only people who have the role themselves can submit it."""

    by: User

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        procedure, role = cleaned.get("procedure"), cleaned.get("role")
        if procedure and role and not has_role(self.by, procedure, role):
            raise forms.ValidationError(
                _("You can grant only roles that you have on the procedure.")
            )
        group = cleaned.get("group")
        if group and RetiredGroup.objects.filter(group=group).exists():
            raise forms.ValidationError(
                _("This group is retired. Choose another group, or put it back into use first.")
            )
        return cleaned


def has_role(user: User, procedure: Procedure, role: Any) -> bool:
    return access.procedures_for(user, role).filter(pk=procedure.pk).exists()


@admin.register(Grant)
class GrantAdmin(CarefulAdmin):
    """An admin of grants, which give groups their roles on procedures.

    Besides users and groups, grants are the only rows that people can add and edit in the admin.
    """

    list_display = ["procedure", "role", "group"]
    list_display_links = ["procedure", "role"]
    list_filter = ["role", ("procedure", RelatedRows), ("group", RelatedRows)]
    list_select_related = ["procedure", "group"]
    search_fields = ["procedure__title", "procedure__name", "group__name"]
    searched_fields = ("procedure", "group")
    show_full_result_count = False
    form = GrantForm

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self._holds(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let people delete a grant only if they have the granted role themselves.

        If others could delete the last grant of "cancel", everybody who starts a run could then
        cancel it.
        """
        return super().has_delete_permission(request, obj) and self._holds(request, obj)

    def _holds(self, request: HttpRequest, grant: Grant | None) -> bool:
        user: Any = request.user
        return grant is None or has_role(user, grant.procedure, grant.role)
