"""The contents of a run's page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from chat.services.silence import early_withdrawal
from dashboard.overview.bars import Bar, Scale, bars_of
from dashboard.overview.cuts import PAGE, RAW, WORDS, CutValue, cut_text, cut_value
from dashboard.overview.drawing import pretty
from dashboard.overview.kin import children_of
from dashboard.overview.lists import (
    answerers_of,
)
from dashboard.overview.mismatch import compared
from dashboard.overview.openings import votes_on
from dashboard.overview.operations import phase_of
from dashboard.overview.pictures import drawn_picture
from dashboard.overview.readings import Hindrances, facts_of, read_run
from dashboard.overview.rows import Row
from dashboard.overview.series import folded
from dashboard.overview.states import state_of
from dashboard.overview.values import ShownValue, files_within, format_value
from dashboard.overview.words import asked, format_duration, format_size, spent_words
from procedures import registry
from procedures.engine.journal.events import RunStatus
from procedures.engine.journal.large import place_of
from procedures.engine.kinds.questions import Question
from procedures.engine.values import canonical
from procedures.models import Artifact, Run, Wait
from procedures.models.clock import clock

LIVE_ROWS, MOST_ROWS = 60, 500
"""The maximum number of rows on a run's page: normally, and with `?rows=all` in the URL."""
MOST_BARS, MOST_FILES = 60, 100
"""The maximum number of bars in each row of a run's page, and of files on the page."""


@dataclass(frozen=True)
class Drawn:
    """A row of a run's page, with everything that its template shows."""

    row: Row
    bars: list[Bar]
    length: str
    asked: str = ""
    """The people or groups whom the question asks, in words; "" if the row isn't a question."""
    quorum: int = 1
    """The number of people who must give the same answer."""
    votes: Sequence[str] = ()
    """The names of the people whose votes count, while the question is open."""
    answer: str = ""
    answers: Sequence[ShownValue] = ()
    """The answer to a form, one entry for each field."""
    silence: str = ""
    evidence: Any = None
    given: list[ShownValue] = field(default_factory=list)
    """The arguments of a step that was called with `shown=True`."""
    result: list[ShownValue] | None = None
    raw: str = ""
    """The result as JSON, shortened if it is long."""
    note: str = ""
    """A sentence if the result is shown only in part; "" if it is complete.

    The event with the number `seq` contains the complete result.
    """
    seq: int = 0


@dataclass(frozen=True)
class ShownPart:
    """The inputs or the result of a run, as its page shows them; large ones are shortened."""

    values: list[ShownValue]
    raw: str = ""
    note: str = ""
    """A sentence if the value is shown only in part; "" if it is complete."""


@dataclass(frozen=True)
class ShownFile:
    """A file of a run; if several files have one name, the newest of them."""

    name: str
    size: str
    content_type: str
    is_input: bool


def run_overview(run: Run, *, is_whole: bool = False) -> dict[str, Any]:
    """Return the context of `_run_state.html` and `_run_now.html`, equal for all viewers."""
    error = canonical.plain(run.error) if run.error else None
    return _overview(run, is_whole=is_whole) | {
        "inputs": _part_of(_inputs(run), run.inputs),
        "result": _part_of(_result_of(run), run.result),
        "error": error,
        "mismatch": compared(error),
        "phase": phase_of(run),
        "files": _files(run),
    }


def _overview(run: Run, *, is_whole: bool) -> dict[str, Any]:
    now = clock.now()
    read = read_run(run, now)
    rows, waits = read.rows, read.waits
    answerers = answerers_of({run.procedure_id})[run.procedure_id]
    _note_children(rows, waits)
    all_rows = rows if is_whole else folded(rows)
    drawn = all_rows[-MOST_ROWS if is_whole else -LIVE_ROWS :]
    scale = _scale(drawn, run, now, is_whole=len(drawn) == len(all_rows))
    votes = votes_on(read.voted_on())
    facts = facts_of(read, read.openings(votes), Hindrances([run], now), answerers)
    return {
        "run": run,
        "state": state_of(facts),
        "rows": [_drawn(row, scale, answerers, now, votes) for row in drawn],
        "kinds": {segment.kind for row in drawn for segment in row.segments},
        "asking": next((row.wait for row in rows if row.kind == "question" and row.is_open), None),
        "opened": _opened(run, rows),
        "left_out": drawn[0].number - 1 if drawn else 0,
        "scale": scale,
        "steps": read.steps,
        "worked": format_duration(read.worked),
        "spent": spent_words(read.spent),
        "picture": drawn_picture(code.picture if (code := registry.code_of(run)) else None, rows),
    }


def _note_children(rows: Sequence[Row], waits: Sequence[Wait]) -> None:
    """Add child runs to the rows that wait for them.

    An ended row gets the look "failed" if one of its child runs failed.
    """
    found = children_of(waits)
    for row in rows:
        row.children = found.get(row.wait.pk) if row.wait else None
        if row.children and row.children.failed and not row.is_open:
            row.look = "failed"


def _opened(run: Run, rows: Sequence[Row]) -> int:
    """Return the number of the row at which the run stopped; 0 if there is none.

    The page shows this row unfolded.
    """
    if run.status not in {RunStatus.FAILED, RunStatus.QUARANTINED}:
        return 0
    return next((row.number for row in reversed(rows) if row.look == "failed"), 0)


def _scale(rows: Sequence[Row], run: Run, now: datetime, *, is_whole: bool) -> Scale:
    segments = [segment for row in rows for segment in row.segments]
    begin = min([run.created_at, *(row.begin for row in rows)]) if is_whole else rows[0].begin
    return Scale(segments, begin=begin, now=run.ended_at or now)


def _drawn(
    row: Row,
    scale: Scale,
    answerers: Sequence[str],
    now: datetime,
    votes: Mapping[int, Sequence[str]],
) -> Drawn:
    question = Question.from_json(row.opened) if row.kind == "question" else None
    last = row.attempts[-1].data if row.attempts else {}
    result = cut_value(_result(last), RAW) if "result" in last else None
    return Drawn(
        row,
        bars_of(row, scale, now=now)[-MOST_BARS:],
        length=length_of(row),
        asked=asked(question.assign, answerers) if question else "",
        quorum=question.quorum if question else 1,
        votes=votes.get(row.wait.pk, ()) if row.wait else (),
        answer=_answer(question, row.closed) if question else "",
        answers=_answers(question, row.closed) if question else (),
        silence=_silence(row, question) if question else "",
        evidence=question.evidence if question else None,
        given=given_to(row),
        result=format_value(result.value) if result else None,
        raw=pretty(result.value) if result else "",
        note=_note_of(last, result),
        seq=row.attempts[-1].seq if row.attempts else 0,
    )


def given_to(row: Row) -> list[ShownValue]:
    """Return the arguments of a step that was called with `shown=True`; [] for any other row."""
    given = row.attempts[-1].data.get("given") if row.attempts else None
    return format_value(cut_value(given, RAW).value) if given else []


def length_of(row: Row) -> str:
    """Return the time that the row lasted, in words; "" while it is open."""
    return format_duration(row.end - row.begin) if row.end else ""


def _silence(row: Row, question: Question) -> str:
    withdrawal = early_withdrawal(row.wait) if row.wait else ""
    return f"{question.silence()} {withdrawal}".strip()


def _result(data: Mapping[str, Any]) -> Any:
    """Return a step's result; if it is stored outside the event because of its size, a sentence."""
    is_elsewhere = data.get("result_elsewhere")
    return _("This value is too large to be shown here.") if is_elsewhere else data["result"]


def _note_of(data: Mapping[str, Any], result: CutValue | None) -> str:
    if data.get("result_elsewhere"):
        return _("The result isn't shown on this page.")
    return result.note if result else ""


def _part_of(value: Any, kept: str | None) -> ShownPart:
    """Return a value of a run, shortened for its page; only a note if the value is too large."""
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
    """Return the inputs by name, in the order of the procedure's parameters.

    Return {} if the inputs are stored outside the run's row because of their size.
    """
    if place_of(run.inputs):
        return {}
    inputs = canonical.plain(run.inputs)
    definition = registry.find(run.procedure.name)
    names = definition.schema.get("properties", {}) if definition else {}
    return {name: inputs[name] for name in [*names, *inputs] if name in inputs}


def _answer(question: Question, closed: Mapping[str, Any]) -> str:
    """Return the answer to a question as text, in the words of its button; "" without one."""
    value = closed.get("value")
    return "" if value is None else question.rules.short_answer(question, value)


def _answers(question: Question, closed: Mapping[str, Any]) -> list[ShownValue]:
    value = closed.get("value")
    answers = [(label, str(cut_text(words, WORDS))) for label, words in question.answers(value)]
    return [
        ShownValue(label, text=" · ".join(words.splitlines()) or "—") for label, words in answers
    ]


def _files(run: Run) -> list[ShownFile]:
    newest: dict[str, Artifact] = {file.name: file for file in run.artifacts.order_by("pk")}
    given = {file["digest"] for file in files_within(_inputs(run))}
    return [
        ShownFile(file.name, format_size(file.size), file.content_type, file.digest in given)
        for file in list(newest.values())[-MOST_FILES:]
    ]
