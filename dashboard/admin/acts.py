"""Functions that log what administrators do, in the form in which the site's log keeps it."""

import json
from collections.abc import Mapping
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Manager, Model, QuerySet
from django.http import HttpRequest
from django.utils import translation

from dashboard.models.trail import kind_of
from procedures.models.act import NOTHING, Act, log_act

LONGEST_VALUE = 1_000
"""The maximum number of characters that the log keeps of an old or a new value."""
SECRET = "password"  # noqa: S105 (part of a name)


def log_row(
    request: HttpRequest,
    row: Model,
    sentence: str,
    *,
    changes: Mapping[str, Any] = NOTHING,
    kind: Act.Kind | None = None,
) -> None:
    """Log what the signed-in user has done to a row; `sentence` is the sentence in the log."""
    by: Any = request.user
    log_act(kind or kind_of(row), sentence, by=by, about=row, changes=changes)


def pop_changes(request: HttpRequest) -> Mapping[str, Any]:
    """Return the changes of fields that a form has stored on this request, and remove them."""
    found: Mapping[str, Any] = vars(request).pop("changes", NOTHING)
    return found


def sentence_of(message: Any) -> str:
    """Return Django's description of a change as an English sentence, for the log."""
    if isinstance(message, str):
        return message
    entry = LogEntry(action_flag=CHANGE, change_message=json.dumps(message))
    with translation.override("en"):
        return str(entry.get_change_message())


def changes_in(form: Any) -> dict[str, list[Any]]:
    """Return each field that the form has changed, with its old and its new value.

    Only fields of the form's row count. Passwords are left out.
    """
    model = getattr(form, "_meta", None) and form._meta.model  # noqa: SLF001 (as Django has it)
    if model is None:
        return {}
    fields = {one.name for one in (*model._meta.fields, *model._meta.many_to_many)}  # noqa: SLF001
    names = [name for name in form.changed_data if name in fields and SECRET not in name]
    return {
        name: [_told(form.initial.get(name)), _told(form.cleaned_data.get(name))] for name in names
    }


def _told(value: Any) -> Any:
    """Return a field's value as the log stores it: as text, or as a list of related rows' names."""
    if isinstance(value, QuerySet | Manager | list | tuple | set):
        rows = value.all() if isinstance(value, Manager) else value
        return sorted(str(one)[:LONGEST_VALUE] for one in rows)
    return None if value is None else str(value)[:LONGEST_VALUE]
