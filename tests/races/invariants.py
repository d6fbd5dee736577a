"""Rules for a run when the race is over."""

from collections import Counter
from collections.abc import Iterator

from procedures.engine.journal.events import Event, EventKind, RunStatus
from procedures.models import Event as EventRow
from procedures.models import Run, RunInput
from procedures.services import verify_journal
from tests.races.procedures import happened
from tests.races.rounds import Deed, Round

ENDS = {EventKind.RUN_SUCCEEDED, EventKind.RUN_FAILED, EventKind.RUN_CANCELLED}
STEPS = {EventKind.STEP_SUCCEEDED, EventKind.STEP_FAILED}
LAST = {
    RunStatus.SUCCEEDED: EventKind.RUN_SUCCEEDED,
    RunStatus.FAILED: EventKind.RUN_FAILED,
    RunStatus.CANCELLED: EventKind.RUN_CANCELLED,
}
FINAL = {"cancel", "force_end"}
ELSEWHERE = {"restart", "fork"}
"""Events that begin another run, and change nothing about this one."""


def broken(race: Round) -> list[str]:
    """The broken rules, in words."""
    run = race.run
    run.refresh_from_db()
    events = run.events.journal()
    return [
        *_ends(run, events, race.deeds),
        *_words(race.deeds, run),
        *_effects(race, events),
        *_writing(race, events),
        *(f"the journal: {fault}" for fault in verify_journal(run)),
    ]


def _ends(run: Run, events: list[Event], deeds: list[Deed]) -> Iterator[str]:
    accepted = Counter(deed.verb for deed in deeds if deed.told)
    ends = [number for number, event in enumerate(events) if event.kind in ENDS]
    if run.status not in LAST:
        yield f"it has not ended: {run.status}"
        return
    if events[-1].kind != LAST[RunStatus(run.status)]:
        yield f"it is {run.status}, and its journal ends with {events[-1].kind}"
    if len(ends) != 1 + accepted["retry"]:
        yield f"it has ended {len(ends)} times, and was retried {accepted['retry']} times"
    yield from _after(events, ends)
    if run.waits.open().exists():
        yield "it has ended, and still waits"
    if any(accepted[verb] for verb in FINAL) != (run.status == RunStatus.CANCELLED):
        yield f"it is {run.status} after {dict(accepted)}"
    if run.status == RunStatus.CANCELLED:
        yield from _winner(events[-1], deeds)


def _after(events: list[Event], ends: list[int]) -> Iterator[str]:
    """Only what has failed goes on, and only by a retry."""
    for number in ends:
        end, following = events[number], events[number + 1 :]
        if following and (end.kind != EventKind.RUN_FAILED or following[0].name != "retry"):
            yield f"after {end.kind} comes {following[0].kind}"


def _winner(end: Event, deeds: list[Deed]) -> Iterator[str]:
    said = end.content
    won = [deed for deed in deeds if deed.reason == said["reason"]]
    if len(won) != 1 or won[0].verb != said["action"] or not won[0].told:
        yield f"it is cancelled by nobody who was told so: {said}"


def _words(deeds: list[Deed], run: Run) -> Iterator[str]:
    """Name and reason are in the journal once for each accepted act, and nowhere for the others."""
    for deed in deeds:
        where = EventRow.objects.filter(kind=EventKind.OPERATOR, data__contains=f'"{deed.reason}"')
        if deed.verb not in ELSEWHERE:
            where = where.filter(run=run)
        noted, wanted = where.count(), 1 if deed.told else 0
        if noted != wanted:
            yield f"{deed.verb} stands {noted} times in the journal: {deed.told or deed.refused}"
        if deed.refused and RunInput.objects.filter(data__contains=f'"{deed.reason}"').exists():
            yield f"{deed.verb} was refused, and noted: {deed.refused}"


def _effects(race: Round, events: list[Event]) -> Iterator[str]:
    """Each step that happened is kept, but what a worker had in hand that was turned away."""
    kept = Counter(event.key for event in events if event.kind in STEPS)
    done = {name: n for (run_id, name), n in happened.items() if run_id == str(race.run.pk)}
    unkept = sum(done.values()) - sum(kept.values())
    if not 0 <= unkept <= race.fenced:
        yield f"{done} happened, {dict(kept)} is kept, {race.fenced} workers were turned away"
    ever = Counter(event.key for event in events if event.kind == EventKind.STEP_SUCCEEDED)
    if twice := [key for key, times in ever.items() if times > 1]:
        yield f"kept twice: {twice}"


def _writing(race: Round, events: list[Event]) -> Iterator[str]:
    """Events that were confirmed to a worker are kept, and it wrote all that only workers write."""
    kept, written = {event.hash for event in events}, {event.hash for event in race.written}
    if lost := [event for event in race.written if event.hash not in kept]:
        yield f"lost: {lost}"
    others = [event for event in events if event.hash not in written]
    if strange := [event.kind for event in others if event.kind.startswith("step.")]:
        yield f"written by no worker of it: {strange}"
