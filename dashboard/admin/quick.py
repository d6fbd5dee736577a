"""Admin pages that the browser can draw before their scripts are loaded."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Model
from django.forms import Media
from django.forms.widgets import Script
from django.http import HttpResponse
from django.template.response import SimpleTemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    Admin = admin.ModelAdmin[Any]
else:
    Admin = admin.ModelAdmin


def deferred(media: Media) -> Media:
    """Return the media with deferred scripts: the browser runs them after it has parsed the page.

    The order of the scripts stays the same. Django's own scripts can be deferred, because they wait
    until the page is parsed anyway.
    """
    scripts, styles = media._js, media._css  # type: ignore[attr-defined]  # noqa: SLF001 (no other way to read them)
    late: list[Any] = [Script(one, defer=True) if isinstance(one, str) else one for one in scripts]
    return Media(css=styles, js=late)


def with_deferred_scripts(response: HttpResponse) -> HttpResponse:
    context = response.context_data if isinstance(response, SimpleTemplateResponse) else None
    if context and isinstance(context.get("media"), Media):
        context["media"] = deferred(context["media"])
    return response


class QuickAdmin(Admin):
    """An admin whose pages the browser draws without waiting for the pages' scripts."""

    def action_checkbox(self, obj: Model) -> SafeString:
        """Return the checkbox of a row, without the two templates that Django renders for each."""
        name = _("Select this object for an action - {}").format(obj)
        box = '<input type="checkbox" name="{}" value="{}" class="action-select" aria-label="{}">'
        return format_html(box, ACTION_CHECKBOX_NAME, obj.pk, name)

    def changelist_view(self, *args: Any, **kwargs: Any) -> HttpResponse:
        return with_deferred_scripts(super().changelist_view(*args, **kwargs))

    def changeform_view(self, *args: Any, **kwargs: Any) -> Any:
        return with_deferred_scripts(super().changeform_view(*args, **kwargs))

    def delete_view(self, *args: Any, **kwargs: Any) -> HttpResponse:
        return with_deferred_scripts(super().delete_view(*args, **kwargs))
