"""Filters for the templates of forms that are made from schemas."""

from typing import cast

from django import template

from dashboard.forms.fields import SchemaBoundField
from dashboard.forms.layout import Container, FormEntry
from dashboard.forms.schema import SchemaForm

register = template.Library()


@register.filter
def field_of(entry: FormEntry, form: SchemaForm) -> SchemaBoundField:
    """Return the field of an entry, bound to its form."""
    return cast("SchemaBoundField", form[entry.name])


@register.filter
def name_on_page(form: SchemaForm, name: str) -> str:
    """Return the name of the HTML field for this entry of the form."""
    return form.add_prefix(name)


@register.filter
def id_of_part(form: SchemaForm, part: Container) -> str:
    """Return the HTML id of the text that describes a group or list of fields."""
    return f"about-{form.card}-{part.name}" if form.card else f"about-{part.name}"


@register.filter
def faults_of(form: SchemaForm, part: Container) -> list[str]:
    """Return the faults that concern a group or list of fields as a whole."""
    return form.faults_of.get(part.name, [])
