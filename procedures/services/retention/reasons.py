"""The reasons for which old records are kept all the same."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q

from procedures import hooks
from procedures.among import is_among
from procedures.engine.journal.events import EventKind
from procedures.engine.values import canonical
from procedures.models import LegalHold, Run, RunInput, Signal
from procedures.services.retention.families import Family
from procedures.users import json_key

YOUNG = "young"
"""The kind of the reason that a run of the family hasn't ended, or hasn't ended long enough ago."""
HELD = "held"


class Reason(NamedTuple):
    """A reason to keep a family: its kind, and the hold if it is a legal hold."""

    kind: str
    hold: LegalHold | None = None


def reasons_to_keep(
    families: Iterable[Family], now: datetime, days: Mapping[int, int]
) -> dict[UUID, Reason]:
    """Return the reason for each of these families that must be kept, by the family's key.

    The number of statements depends on the number of holds, not on the number of families.
    """
    kept, old = dict[UUID, Reason](), list[Family]()
    for one in families:
        if one.ended_by(now, days):
            old.append(one)
        else:
            kept[one.key] = Reason(YOUNG)
    family_of = {run: one.key for one in old for run in one.members}
    if not family_of:
        return kept
    for hold, runs in _held(old, list(family_of)):
        for run in runs:
            kept.setdefault(family_of[run], Reason(HELD, hold))
    for look in hooks.keeps:
        for run, kind in look(family_of, now):
            kept.setdefault(family_of[run], Reason(kind))
    return kept


def holds_on(run: Run) -> list[LegalHold]:
    """Return the legal holds that keep a run by itself, without its relatives."""
    is_on = Q(run=run) | Q(procedure=run.procedure_id) | Q(user__isnull=False)
    found = LegalHold.objects.filter(is_on).select_related("procedure", "run", "user")
    return [one for one in found if not one.user or run.pk in _concerned([run.pk], one.user)]


def _held(families: list[Family], runs: list[UUID]) -> Iterator[tuple[LegalHold, Iterable[UUID]]]:
    """Yield each hold with those of the runs that it holds."""
    on_runs = LegalHold.objects.filter(is_among("run", runs)).select_related("run__procedure")
    others = LegalHold.objects.filter(run=None).select_related("procedure", "user")
    for hold in on_runs.order_by("pk"):
        assert hold.run_id
        yield hold, [hold.run_id]
    for hold in others.order_by("pk"):
        if hold.user:
            yield hold, _concerned(runs, hold.user)
            continue
        members = (one for family in families for one in family.members.values())
        yield hold, [one.pk for one in members if one.procedure == hold.procedure_id]


def _concerned(runs: list[UUID], user: Any) -> set[UUID]:
    """Return those of the runs that concern a user in any way."""
    found = set(_own(runs, user))
    for look in hooks.concerns:
        found.update(look(runs, user))
    return found


def _own(runs: list[UUID], user: Any) -> Iterator[UUID]:
    """Yield the runs that a user has started, signalled or operated, or is named by.

    The subject of a run names the user if it contains the user's name.
    """
    is_named = Q(started_by=user) | Q(subject__icontains=user.get_username())
    started = Run.objects.filter(is_named, is_among("pk", runs)).order_by()
    yield from started.values_list("pk", flat=True)
    sent = Signal.objects.filter(is_among("run", runs), sent_by=user).order_by()
    yield from sent.values_list("run", flat=True)
    # The data is canonical text with sorted keys and no blanks, so it can be searched as text.
    said = f'"by_id":{canonical.text_of(json_key(user.pk))},'
    acts = RunInput.objects.filter(is_among("run", runs), kind=EventKind.OPERATOR)
    yield from acts.filter(data__contains=said).order_by().values_list("run", flat=True)
