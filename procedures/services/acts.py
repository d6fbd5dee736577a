"""Search of the journals for a user name under which somebody started or operated a run."""

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from procedures.engine.journal.events import EventKind
from procedures.engine.values import canonical
from procedures.models import Event, Run, RunInput
from procedures.users import json_key


def is_named_in_journals(name: str, *, except_by: Any) -> bool:
    """Return True if somebody with this user name started or operated a run, ignoring case.

    Journals contain the user name that the person had when they did so. `except_by` is the id of a
    user whose own starts and operations don't count. The search takes longer the more runs there
    are.
    """
    first = Event.objects.filter(run=OuterRef("pk"), seq=1).order_by().values("data")
    # An index finds the first events, however long the journals are.
    starts = Run.objects.annotate(start=Subquery(first))
    acts = RunInput.objects.filter(kind=EventKind.OPERATOR)
    return _is_in(acts, "data", name, except_by) or _is_in(starts, "start", name, except_by)


def _is_in(rows: QuerySet[Any], field: str, name: str, except_by: Any) -> bool:
    # The data is canonical text with sorted keys and no blanks, so it can be searched as text. JSON
    # operators differ by database, and they would use no index here either.
    sought = f'"by":{canonical.text_of(name)},"by_id":'
    named = rows.filter(**{f"{field}__icontains": sought})
    if except_by is not None:
        named = named.exclude(
            **{f"{field}__contains": f'"by_id":{canonical.text_of(json_key(except_by))},'}
        )
    return named.order_by().exists()
