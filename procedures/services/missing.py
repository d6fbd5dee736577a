"""Search for missing rows, which a journal names or whose numbers a counter has given out."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db.models import Count, Exists, OuterRef

from procedures.engine.journal.events import EventKind
from procedures.models import Event, Run, RunInput, Tombstone, Wait
from procedures.models.proofs import number_of
from procedures.models.tallies import HEARD, is_proven_tally, lacking
from procedures.services.differences import Difference, gone, row_name
from procedures.services.record import Record, TakenInput

REPORTED_ENDS = (EventKind.RUN_SUCCEEDED, EventKind.RUN_FAILED, EventKind.RUN_CANCELLED)
"""Kinds of events that end a child run and are reported to its parent."""
MOST_NAMED = 5
"""The maximum number of row numbers that one sentence lists as missing."""
OUT_OF_ORDER = "its id is out of order"
MOST_UNOWNED = 100
"""The maximum number of rows of one table that are listed."""


def missing_rows(record: Record, older: list[str]) -> Iterator[Difference]:
    """Yield differences for rows that a run's journal or its counts record, but that are missing.

    A run's counts say how many files, signals and operations it has received. Older runs have no
    such counts; for them, a note is appended to `older` instead.
    """
    if record.is_covered:
        yield from _input_differences(record)
    yield from _missing_signals(record, older)
    yield from _missing_children(record)
    yield from _missing_sent_inputs(record)
    files = set(record.run.artifacts.values_list("name", "digest"))
    for name, digest in dict.fromkeys(record.files):
        if (name, digest) not in files:
            yield gone(f"File {name}", "digest")


def unowned_rows(app: str) -> Iterator[Difference]:
    """Yield a difference for each row of an app with a foreign key to a row that doesn't exist."""
    for model in apps.get_app_config(app).get_models():
        if model._meta.proxy:  # noqa: SLF001 (documented)
            continue
        links = [one for one in model._meta.concrete_fields if one.is_relation]  # noqa: SLF001
        for link in links:
            target: Any = link.related_model
            named = target._default_manager.filter(pk=OuterRef(link.attname))  # noqa: SLF001
            rows = model._default_manager.exclude(**{link.attname: None})  # noqa: SLF001
            for row in rows.filter(~Exists(named)).order_by("pk")[:MOST_UNOWNED]:
                words = f"the field {link.name} refers to a row that doesn't exist"
                yield Difference(row_name(row), link.name, words)


def numbers_missing(what: str, numbers: list[int], count: int) -> str:
    """Return a clause that names the numbers of missing rows.

    `what` names the rows, and `count` is how many there should be. Example: "its count of messages
    is 5, but these are missing: 2, 4".
    """
    shown = ", ".join(map(str, numbers[:MOST_NAMED]))
    more = f" and {len(numbers) - MOST_NAMED} more" if len(numbers) > MOST_NAMED else ""
    return f"its count of {what} is {count}, but these are missing: {shown}{more}"


def _input_differences(record: Record) -> Iterator[Difference]:
    """Yield differences between the run's `RunInput` rows and the events that journal them."""
    inputs = RunInput.objects.filter(run=record.run).exclude(kind__in=RunInput.BROUGHT)
    left = {one.pk: one for one in inputs.order_by("pk")}
    exact: dict[TakenInput, list[int]] = {}
    for one in left.values():
        if one.taken_at:
            place = TakenInput(one.kind, one.key, one.name, one.data, one.taken_at)
            exact.setdefault(place, []).append(one.pk)
    alone, before = list[TakenInput](), dict[datetime, int]()
    for taken in record.taken_inputs:
        if not (found := exact.get(taken)):
            alone.append(taken)
            continue
        pk = found.pop(0)
        # Workers journal inputs in the order of their keys. The inputs of one claim have the same
        # time, and so must be in that order.
        if pk < before.get(taken.at, 0):
            yield Difference(row_name(left[pk]), "id", OUT_OF_ORDER)
        before = {taken.at: pk}
        del left[pk]
    yield from _unmatched_differences(alone, left)


def _unmatched_differences(
    alone: list[TakenInput], left: dict[int, RunInput]
) -> Iterator[Difference]:
    """Yield differences for events without a row (`alone`) and rows without an event (`left`).

    The rows are those of `RunInput`. A row that resembles an event in `alone` counts as changed. If
    no row does, the row of the event is missing.
    """
    for taken in alone:
        timed = [one for one in left.values() if one.taken_at == taken.at]
        same = [one for one in left.values() if one.data == taken.data and one.kind == taken.kind]
        if not (timed or same):
            name = f"Run input {taken.kind} {taken.key or taken.name}, journaled at {taken.at}"
            yield gone(name, "run")
            continue
        one = (timed or same)[0]
        del left[one.pk]
        if one.taken_at != taken.at:
            yield Difference(row_name(one), "taken_at")
    for one in left.values():
        if one.taken_at:
            words = "the field taken_at is set, but the journal has no event for this input"
            yield Difference(row_name(one), "taken_at", words)


def _missing_signals(record: Record, older: list[str]) -> Iterator[Difference]:
    """Yield differences for missing signals and operations, whose numbers have gaps."""
    run, name = record.run, row_name(record.run)
    if not record.is_counted:
        older.append(f"{name}: the number of signals and operations")
        return
    if not is_proven_tally(HEARD, run.pk, run.heard, run.heard_proof):
        yield Difference(name, HEARD)
    inputs, numbers = run.run_inputs.exclude(kind__in=RunInput.BROUGHT), list[int]()
    for rows in (inputs.order_by("pk"), run.signals.order_by("pk")):
        numbered = [(number_of(one), one) for one in rows.iterator()]
        counted = [(number, one) for number, one in numbered if number]
        numbers += [number for number, _ in counted]
        for (before, _), (number, one) in pairwise(counted):
            if number < before:
                yield Difference(row_name(one), "id", OUT_OF_ORDER)
    if left := lacking(numbers, run.heard):
        words = numbers_missing("signals and operations", left, run.heard)
        yield Difference(name, HEARD, words)


def _missing_children(record: Record) -> Iterator[Difference]:
    """Yield differences for missing child runs, and for missing rows that report their ends."""
    counted = record.run.waits.on_children().order_by("opened_seq")
    there = Count("children__parent_number", distinct=True)
    counts = dict(counted.annotate(there=there).values_list("opened_seq", "there"))
    waits = {wait.opened_seq: wait for wait in counted}
    for seq, opening in record.waits.items():
        wait = waits.get(seq) if seq > record.forked_at else None
        if wait and wait.kind == Wait.Kind.CHILD:
            child = Run.objects.filter(pk=opening.content["run"], parent_wait=wait)
            if not child.exists():
                yield gone(f"Run {opening.content['run']}", "parent_wait")
        elif wait and counts.get(seq) != wait.begun:
            words = (
                f"its count of started children is {wait.begun}, but there are {counts.get(seq, 0)}"
            )
            yield Difference(row_name(wait), "begun", words)
    if record.is_counted:
        yield from _missing_reports(record.run, list(waits.values()))


def _missing_reports(run: Run, waits: list[Wait]) -> Iterator[Difference]:
    keys = {wait.pk: wait.key for wait in waits}
    ends = Event.objects.filter(run__parent_wait__in=keys, kind__in=REPORTED_ENDS)
    numbered = ends.order_by().values_list("run__parent_wait", "run__parent_number")
    ended = Counter((keys[wait], str(number)) for wait, number in numbered)
    inputs = RunInput.objects.filter(run=run).child_ends().order_by()
    brought = Counter(inputs.values_list("key", "name"))
    # The ends are counted, because a retried child may have ended more than once under one number.
    for (key, number), count in (ended - brought).items():
        reports = "1 input that reports" if count == 1 else f"{count} inputs that report"
        is_missing = "is missing" if count == 1 else "are missing"
        words = f"{reports} the end of child {number} of {key} {is_missing}"
        yield Difference(row_name(run), "run_inputs", words)


def _missing_sent_inputs(record: Record) -> Iterator[Difference]:
    """Yield a difference for each `RunInput` that the run sent and the receiving run lacks."""
    of_it = RunInput.objects.filter(kind=RunInput.SENT, name=str(record.run.pk))
    to = {UUID(sent.to) for sent in record.sent}
    removed = set(Tombstone.objects.filter(pk__in=to).values_list("pk", flat=True))
    for sent in record.sent:
        # The verification of the site looks at the tombstones themselves.
        if UUID(sent.to) in removed:
            continue
        if not of_it.filter(run=UUID(sent.to), key=sent.key, data=sent.data).exists():
            yield gone(f"Run input {RunInput.SENT} {sent.key} of run {sent.to}", "run")
