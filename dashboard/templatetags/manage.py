"""Links from pages to the admin."""

from typing import Any

from django import template
from django.contrib import admin
from django.db.models import Model
from django.urls import reverse

register = template.Library()


@register.inclusion_tag("dashboard/_manage.html", takes_context=True)
def manage(context: dict[str, Any], row: Model) -> dict[str, Any]:
    """Return template variables for a link to a row in the admin.

    Return {} if the viewer may not open the row there.
    """
    request, names = context["request"], row._meta  # noqa: SLF001 (Django documents it)
    may_look = admin.site.get_model_admin(type(row)).has_view_permission(request, row)
    if not (admin.site.has_permission(request) and may_look):
        return {}
    name = f"admin:{names.app_label}_{names.model_name}_change"
    return {"address": reverse(name, args=[row.pk]), "what": names.verbose_name}
