"""Queued runs whose code no live worker has installed."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import DateTimeField, OuterRef, QuerySet, Subquery

from procedures import dispatch
from procedures.models import ProcedureVersion, Run
from procedures.store.compiled import CompiledRows, Place

RESTART = "then restart the workers."


class Code(NamedTuple):
    """The code that a run needs: the newest Python code, or the text of a procedure file.

    A run needs the text as it was when the run started, even if the file has been edited since.
    """

    procedure: int
    file: str
    """The name of the procedure's file; "" for Python code."""


def stranded(now: datetime) -> Mapping[Code, str]:
    """Return the code that queued runs need and no live worker has, each with the reason.

    The reason is a sentence that tells operators what to do. The mapping is empty if no worker has
    reported its code, because the site then can't tell which code workers have.
    """
    wanted = WANTED.fetch(before=now - long_queued())
    workers = [json.loads(report) for report in dispatch.reported_codes()] if wanted else []
    if not workers:
        return {}
    reasons = {
        Code(pk, file): _why_no_reader(file, workers) if file else _why_no_code(name, new, workers)
        for pk, name, file, new in wanted
    }
    return {code: reason for code, reason in reasons.items() if reason}


def _wanted() -> QuerySet[Run, Any]:
    """Return a query for the code that is needed by runs queued before a certain time."""
    newest = ProcedureVersion.objects.filter(procedure=OuterRef("procedure")).newest_first()
    before = Place("before", DateTimeField())
    waiting = Run.objects.queued().filter(queued_at__lte=before).order_by()
    return waiting.values_list(
        "procedure", "procedure__name", "version__file", Subquery(newest.values("version")[:1])
    ).distinct()


WANTED = CompiledRows(_wanted)


def long_queued() -> timedelta:
    """Return how long a run must have been queued to count as delayed."""
    return timedelta(seconds=dispatch.LOOK_EVERY)


def why_stranded(run: Run, found: Mapping[Code, str]) -> str:
    """Return why no live worker can advance the run, or "" if one can or the run isn't queued.

    `found` is the result of `stranded`.
    """
    is_queued = run.status == "queued"
    return found.get(Code(run.procedure_id, run.version.file), "") if is_queued else ""


def _why_no_reader(file: str, workers: Collection[Mapping[str, Any]]) -> str:
    if any(file.endswith(tuple(worker["readers"])) for worker in workers):
        return ""
    words = f"no live worker has a reader for {file}"
    return f"{words}. Name one in PROCEDURE_READERS, {RESTART}"


def _why_no_code(name: str, newest: str, workers: Collection[Mapping[str, Any]]) -> str:
    versions = {worker["code"].get(name) for worker in workers}
    if newest in versions:
        return ""
    if versions == {None}:
        return f"no live worker has the code for {name}. Deploy it, {RESTART}"
    known = ProcedureVersion.objects.filter(procedure__name=name, version__in=versions - {None})
    if known.exists():
        words = f"the live workers' code for {name} is out of date"
        return f"{words}. Deploy the newest code, {RESTART}"
    words = f"the live workers' code for {name} was never registered"
    return f"{words}. Run `manage.py migrate`, {RESTART}"
