"""The data for a run's page and card, and for lists of runs."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import F, Q
from django.utils.translation import gettext as _

from chat.services.silence import fate_of
from dashboard.overview.bars import WORK, Bar, Scale, bars_of
from dashboard.overview.cuts import PAGE, RAW, WORDS, CutValue, cut_text, cut_value
from dashboard.overview.drawing import pretty
from dashboard.overview.facts import Facts
from dashboard.overview.mismatch import compared
from dashboard.overview.openings import STANDS, is_late, openings_in, openings_of
from dashboard.overview.rows import Reader, Row, Said
from dashboard.overview.series import folded
from dashboard.overview.states import State, state_of
from dashboard.overview.values import Shown, format_value, is_file
from dashboard.overview.words import asked, format_duration, format_size
from procedures import registry
from procedures.engine.journal.events import Event as JournalEvent
from procedures.engine.journal.events import EventKind, RunStatus
from procedures.engine.journal.large import place_of
from procedures.engine.kinds.questions import Question
from procedures.engine.replay.history import UNDO
from procedures.engine.values import canonical
from procedures.models import Artifact, Event, Grant, Run, RunInput, Wait
from procedures.models.clock import clock
from procedures.services import why_queued
from procedures.services.carriers import long_queued, stranded, why_stranded

LIVE_ROWS, MOST_ROWS = 60, 500
"""The most rows drawn again with each change, and the most rows on a page."""
MOST_BARS, MOST_FILES = 60, 100
"""The most bars in a row, and the most files on a page."""


@dataclass(frozen=True)
class Drawn:
    """A row with all the data that its template needs."""

    row: Row
    bars: list[Bar]
    length: str
    asked: str = ""
    """The assignees, if the row is a question."""
    answer: str = ""
    answers: Sequence[Shown] = ()
    """The answer to a form, field by field."""
    silence: str = ""
    evidence: Any = None
    result: list[Shown] | None = None
    raw: str = ""
    """The result as JSON, cut if it is long."""
    note: str = ""
    """A note that only a part of the result is shown.

    The event with the number `seq` has the whole result.
    """
    seq: int = 0


@dataclass(frozen=True)
class ShownPart:
    """The inputs or the result of a run, cut if they are large."""

    values: list[Shown]
    raw: str = ""
    note: str = ""
    """A note that only a part is shown; "" if the value is complete."""


@dataclass(frozen=True)
class ShownFile:
    """A file of a run: the newest one with its name."""

    name: str
    size: str
    content_type: str
    is_input: bool


@dataclass(frozen=True)
class Listed:
    """A run in a list, with its state in words."""

    run: Run
    state: State


def run_overview(run: Run, *, is_whole: bool = False) -> dict[str, Any]:
    """Return the context of `_run_now.html` and `_run_card.html`, equal for all viewers."""
    now, error = clock.now(), canonical.plain(run.error) if run.error else None
    events = run.events.all().journal()
    waits = list(run.waits.prefetch_related("part_of__parts"))
    answerers = _answerers({run.procedure_id})[run.procedure_id]
    reader = Reader(waits)
    for event in events:
        reader.read(event)
    untaken = _untaken(run, waits, events)
    reader.read_present(run, untaken)
    rows = reader.finish(run.ended_at)
    given = _given([run.pk])
    for row in rows:
        row.opened |= given.get((run.pk, row.key), {})
    all_rows = rows if is_whole else folded(rows)
    drawn = all_rows[-MOST_ROWS if is_whole else -LIVE_ROWS :]
    scale = _scale(drawn, run, now, is_whole=len(drawn) == len(all_rows))
    return {
        "run": run,
        "state": state_of(_facts(run, events, rows, waits, untaken, answerers)),
        "rows": [_drawn(row, scale, answerers, now) for row in drawn],
        "kinds": {segment.kind for row in drawn for segment in row.segments},
        "asking": next((row.wait for row in rows if row.kind == "question" and row.is_open), None),
        "left_out": drawn[0].number - 1 if drawn else 0,
        "scale": scale,
        "steps": sum(row.kind == "step" for row in rows),
        "worked": format_duration(_worked(rows, now)),
        "inputs": _part_of(_inputs(run), run.inputs),
        "result": _part_of(_result_of(run), run.result),
        "error": error,
        "mismatch": compared(error),
        "files": _files(run),
    }


def listed_runs(runs: Iterable[Run]) -> list[Listed]:
    """Return each run with its state, in a fixed number of queries."""
    found = list(runs)
    ids, now = [run.pk for run in found], clock.now()
    openings, failures, newest = openings_of(ids, _given(ids)), _failures(ids), _newest(ids)
    cancels, pauses = _cancels(ids), _pauses(found)
    answerers = _answerers({run.procedure_id for run in found})
    removed, without_worker = _without_code(found), _stranded(found, now)
    return [
        Listed(
            run,
            state_of(
                Facts(
                    run,
                    now,
                    openings=openings.get(run.pk, ()),
                    is_late=is_late(run, openings.get(run.pk, ()), now),
                    failure=failures.get(run.pk, {}),
                    cancelled=cancels.get(run.pk, {}),
                    paused=pauses.get(run.pk, {}),
                    answerers=answerers[run.procedure_id],
                    last_at=newest.get(run.pk),
                    stranded=without_worker.get(run.pk, ""),
                    is_removed=run.version_id in removed,
                )
            ),
        )
        for run in found
    ]


def _given(ids: Sequence[UUID]) -> dict[tuple[UUID, str], dict[str, Any]]:
    """Return the new assignee by run and wait, including reassignments that are still pending."""
    is_given = Q(run__in=ids, kind=EventKind.OPERATOR, name="reassign")
    kept = Event.objects.filter(is_given).order_by("seq")
    told = [(one.run_id, one.content) for one in kept]
    acts = RunInput.objects.filter(is_given).untaken()
    told += [(one.run_id, canonical.plain(one.data)) for one in acts]
    return {(run_id, data.get("wait", "")): {"assign": [data["to"]]} for run_id, data in told}


def _stranded(runs: Iterable[Run], now: datetime) -> dict[UUID, str]:
    """Return, by run id, why no live worker can execute a run that was queued long ago.

    Without such runs, nothing is read.
    """
    before = now - long_queued()
    long_ago = [run for run in runs if run.queued_at and run.queued_at <= before]
    found = stranded(now) if long_ago else {}
    return {run.pk: why for run in long_ago if (why := why_stranded(run, found))}


def _without_code(runs: Iterable[Run]) -> set[int]:
    """Return the ids of versions that no code here can execute, among those of unclaimed runs."""
    names, standing = registry.definitions(), [run for run in runs if run.status in STANDS]
    absent = {
        run.version_id
        for run in standing
        if run.version.file or run.procedure.name not in names  # a text needs its own reader
    }
    if not absent:
        return absent
    here = registry.texts_here().filter(pk__in=absent)
    return absent - set(here.values_list("pk", flat=True))


def _failures(ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """Return the last failure of each run that waits for a retry."""
    events = Event.objects.filter(
        run__in=ids, run__status="retrying", kind=EventKind.STEP_FAILED
    ).order_by("seq")
    return {event.run_id: {**event.content, "step": event.key} for event in events}


def _cancels(ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """Return, for each cancelled run, who cancelled it and why."""
    events = Event.objects.filter(
        run__in=ids, run__status="cancelled", kind=EventKind.RUN_CANCELLED
    ).order_by("seq")
    return {event.run_id: event.content for event in events}


def _pauses(runs: Iterable[Run]) -> dict[UUID, dict[str, Any]]:
    """Return, for each paused run, who paused it and why."""
    ids = [run.pk for run in runs if run.status == RunStatus.PAUSED]
    events = Event.objects.filter(run__in=ids, kind=EventKind.OPERATOR, name="pause").order_by(
        "seq"
    )
    return {event.run_id: event.content for event in events}


def _newest(ids: Sequence[UUID]) -> dict[UUID, datetime]:
    events = Event.objects.filter(run__in=ids, seq=F("run__head__seq"))
    return dict(events.order_by().values_list("run_id", "at"))


def _answerers(procedures: Iterable[int]) -> Mapping[int, list[str]]:
    """Return, by procedure, the groups that can answer requests without assignees."""
    found: dict[int, list[str]] = defaultdict(list)
    grants = Grant.objects.filter(procedure__in=procedures, role="answer")
    for procedure, group in grants.values_list("procedure_id", "group__name"):
        found[procedure].append(group)
    return found


def _untaken(
    run: Run, waits: Iterable[Wait], events: Iterable[JournalEvent]
) -> dict[str, dict[str, Any]]:
    """Return, by the wait's key, the answers that no worker has written to the journal yet."""
    opening = {EventKind.WAIT_OPENED, EventKind.CHILD_STARTED}
    opened = sum(event.kind in opening for event in events)
    closed = sum(event.kind == EventKind.WAIT_CLOSED for event in events)
    # Counted from what is read already: the query is spared on most pages, and each change draws
    # one.
    is_all_taken = opened - closed == sum(wait.is_open for wait in waits)
    if is_all_taken or run.ended_at:
        return {}
    inputs = RunInput.objects.filter(run=run, kind=EventKind.WAIT_CLOSED).untaken()
    return {one.key: canonical.plain(one.data) for one in inputs}


def _facts(
    run: Run,
    events: Sequence[JournalEvent],
    rows: Sequence[Row],
    waits: Sequence[Wait],
    untaken: Mapping[str, dict[str, Any]],
    answerers: Sequence[str],
) -> Facts:
    openings, now = openings_in(rows, waits), clock.now()
    failing = next((row for row in reversed(rows) if row.look == "retrying"), None)
    running = next((row for row in reversed(rows) if row.look == "running"), None)
    answered = next((row for row in reversed(rows) if row.key in untaken), None)
    done = [row for row in rows if row.kind == "step" and row.look == "done"]
    undone = [row for row in done if row.key.startswith(UNDO)]
    since = max(run.base_seq, run.carried_seq)
    return Facts(
        run,
        now,
        openings=openings,
        is_late=is_late(run, openings, now),
        failure={**failing.attempts[-1].data, "step": failing.key} if failing else {},
        answered={**answered.opened, **answered.closed} if answered else {},
        cancelled=events[-1].content if events[-1].kind == EventKind.RUN_CANCELLED else {},
        paused=_last_pause(events) if run.status == RunStatus.PAUSED else {},
        progress=_told(running.said) if running and running.said else "",
        answerers=answerers,
        kept=len(done) - len(undone),
        undone=len(undone),
        to_undo=sum(event.kind == EventKind.COMPENSATION for event in events if event.seq > since),
        hindrance=why_queued(run, now=now) if run.status == RunStatus.QUEUED else "",
        stranded=_stranded([run], now).get(run.pk, ""),
        is_removed=bool(_without_code([run])),
        answers=sum(row.kind == "question" for row in rows),
        others=sum(row.kind in {"timer", "signal", "child"} for row in rows),
        last_at=events[-1].at if events else None,
    )


def _last_pause(events: Sequence[JournalEvent]) -> dict[str, Any]:
    paused = (event for event in reversed(events) if event.kind == EventKind.OPERATOR)
    return next((event.content for event in paused if event.name == "pause"), {})


def _told(said: Said) -> str:
    """Return the step's progress and the last line that it reported."""
    return ", ".join(filter(None, [said.counts, said.lines[-1] if said.lines else ""]))


def _scale(rows: Sequence[Row], run: Run, now: datetime, *, is_whole: bool) -> Scale:
    segments = [segment for row in rows for segment in row.segments]
    begin = min([run.created_at, *(row.begin for row in rows)]) if is_whole else rows[0].begin
    return Scale(segments, begin=begin, now=run.ended_at or now)


def _worked(rows: Iterable[Row], now: datetime) -> timedelta:
    work = [part for row in rows for part in row.segments if part.kind in WORK]
    return sum(((part.end or now) - part.begin for part in work), timedelta())


def _drawn(row: Row, scale: Scale, answerers: Sequence[str], now: datetime) -> Drawn:
    question = Question.from_json(row.opened) if row.kind == "question" else None
    last = row.attempts[-1].data if row.attempts else {}
    result = cut_value(_result(last), RAW) if "result" in last else None
    return Drawn(
        row,
        bars_of(row, scale, now=now)[-MOST_BARS:],
        length=format_duration(row.end - row.begin) if row.end else "",
        asked=asked(question.assign, answerers) if question else "",
        answer=_answer(question, row.closed) if question else "",
        answers=_answers(question, row.closed) if question else (),
        silence=_silence(row, question) if question else "",
        evidence=question.evidence if question else None,
        result=format_value(result.value) if result else None,
        raw=pretty(result.value) if result else "",
        note=_note_of(last, result),
        seq=row.attempts[-1].seq if row.attempts else 0,
    )


def _silence(row: Row, question: Question) -> str:
    fate = fate_of(row.wait) if row.wait else ""
    return f"{question.silence()} {fate}".strip()


def _result(data: Mapping[str, Any]) -> Any:
    """Return a step's result, or a sentence if it is too large for a page."""
    is_elsewhere = data.get("result_elsewhere")
    return _("This value is too large to be shown here.") if is_elsewhere else data["result"]


def _note_of(data: Mapping[str, Any], result: CutValue | None) -> str:
    if data.get("result_elsewhere"):
        return _("The page doesn't show it.")
    return result.note if result else ""


def _part_of(value: Any, kept: str | None) -> ShownPart:
    """Return a run's value for its page; for a very large value, only a note with its size."""
    if place := place_of(kept):
        return ShownPart(
            [],
            note=_("This value is too large to be shown here: {size}.").format(
                size=format_size(place.size)
            ),
        )
    found = cut_value(value, PAGE)
    return ShownPart(format_value(found.value), pretty(found.value), found.note)


def _result_of(run: Run) -> Any:
    is_here = run.result is not None and not place_of(run.result)
    return canonical.value_of(str(run.result)) if is_here else None


def _inputs(run: Run) -> dict[str, Any]:
    """Return the inputs, in the signature's order if the code is known; {} if they are large."""
    if place_of(run.inputs):
        return {}
    inputs = canonical.plain(run.inputs)
    definition = registry.find(run.procedure.name)
    names = definition.schema.get("properties", {}) if definition else {}
    return {name: inputs[name] for name in [*names, *inputs] if name in inputs}


def _answer(question: Question, closed: Mapping[str, Any]) -> str:
    """Return the answer as text, with the author's labels if the question has any."""
    value = closed.get("value")
    return "" if value is None else question.rules.short_answer(question, value)


def _answers(question: Question, closed: Mapping[str, Any]) -> list[Shown]:
    value = closed.get("value")
    said = [(label, str(cut_text(words, WORDS))) for label, words in question.answers(value)]
    return [Shown(label, text=" · ".join(words.splitlines()) or "—") for label, words in said]


def _files(run: Run) -> list[ShownFile]:
    newest: dict[str, Artifact] = {file.name: file for file in run.artifacts.order_by("pk")}
    given = {value["digest"] for value in _inputs(run).values() if is_file(value)}
    return [
        ShownFile(file.name, format_size(file.size), file.content_type, file.digest in given)
        for file in list(newest.values())[-MOST_FILES:]
    ]
