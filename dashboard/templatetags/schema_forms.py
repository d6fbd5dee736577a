"""Filters for the templates of forms that are made from schemas."""

from typing import cast

from django import template

from dashboard.forms.fields import SchemaBoundField
from dashboard.forms.layout import Entry
from dashboard.forms.schema import SchemaForm

register = template.Library()


@register.filter
def field_of(entry: Entry, form: SchemaForm) -> SchemaBoundField:
    """Return the field of an entry, bound to its form."""
    return cast("SchemaBoundField", form[entry.name])


@register.filter
def name_on_page(form: SchemaForm, name: str) -> str:
    """Return the name under which the page sends that part of the form."""
    return form.add_prefix(name)
