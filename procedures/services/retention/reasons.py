"""The reasons for which old records are kept all the same."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain
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
"""The kind of the reason that a run of the family hasn't ended, or has ended too recently."""
HELD = "held"


class Reason(NamedTuple):
    """A reason to keep a family: its kind, and the hold if it is a legal hold."""

    kind: str
    hold: LegalHold | None = None


def reasons_to_keep(
    families: Iterable[Family], now: datetime, days: Mapping[int, int]
) -> dict[UUID, Reason]:
    """Return the reason for each of these families that must be kept, by the family's key.

    The number of queries doesn't depend on the number of families.
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
    found = list(LegalHold.objects.filter(is_on).select_related("procedure", "run", "user"))
    concerned = _concerned([run.pk], [one.user for one in found if one.user])
    return [one for one in found if not one.user or concerned[one.user_id]]


def _held(families: list[Family], runs: list[UUID]) -> Iterator[tuple[LegalHold, Iterable[UUID]]]:
    """Yield each hold with those of the runs that it holds."""
    on_runs = LegalHold.objects.filter(is_among("run", runs)).select_related("run__procedure")
    for hold in on_runs.order_by("pk"):
        assert hold.run_id
        yield hold, [hold.run_id]
    rest = LegalHold.objects.filter(run=None).select_related("procedure", "user")
    others = list(rest.order_by("pk"))
    concerned = _concerned(runs, [hold.user for hold in others if hold.user])
    for hold in others:
        if hold.user:
            yield hold, concerned[hold.user_id]
            continue
        members = (one for family in families for one in family.members.values())
        yield hold, [one.pk for one in members if one.procedure == hold.procedure_id]


def _concerned(runs: list[UUID], people: list[Any]) -> Mapping[Any, set[UUID]]:
    """Return those of the runs that concern each of these users in any way, by the user's key.

    The number of queries doesn't depend on the number of users.
    """
    found = defaultdict[Any, set[UUID]](set)
    if people:
        keys = [one.pk for one in people]
        for run, key in chain(_own(runs, people), *(look(runs, keys) for look in hooks.concerns)):
            found[key].add(run)
    return found


def _own(runs: list[UUID], people: list[Any]) -> Iterator[tuple[UUID, Any]]:
    """Yield pairs: a run, and a user who has started, signalled or operated it, or is named by it.

    The subject of a run names a user if it contains the user's name.
    """
    names = {one.pk: one.get_username().casefold() for one in people}
    rows = Run.objects.filter(is_among("pk", runs)).order_by()
    for run, starter, subject in rows.values_list("pk", "started_by", "subject"):
        text = subject.casefold()
        yield from ((run, key) for key, name in names.items() if key == starter or name in text)
    sent = Signal.objects.filter(is_among("run", runs), sent_by__in=names).order_by()
    yield from sent.values_list("run", "sent_by")
    keys = {json_key(key): key for key in names}
    acts = RunInput.objects.filter(is_among("run", runs), kind=EventKind.OPERATOR).order_by()
    for run, data in acts.values_list("run", "data"):
        if (key := keys.get(canonical.plain(data).get("by_id"))) is not None:
            yield run, key
