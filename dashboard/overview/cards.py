"""The contents of run cards in a transcript, read by the same queries for all cards."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from chat.models import Message
from dashboard.overview.facts import Facts
from dashboard.overview.lists import Listed, answerers_for
from dashboard.overview.openings import votes_on
from dashboard.overview.readings import Hindrances, Reading, facts_of, read_runs
from dashboard.overview.runs import Drawn, given_to, length_of
from dashboard.overview.series import folded
from dashboard.overview.states import state_of
from dashboard.overview.words import format_duration, spent_words
from procedures.engine.journal.events import RunStatus
from procedures.models import Run
from procedures.models.clock import clock

MOST_READ = 200
"""The maximum number of events that are read for a card, from the end of the run's journal."""
MOST_STAGES, MOST_LINES = 12, 20
"""The maximum number of stages on a card, and of lines below the stages."""
Card = dict[str, Any]


def cards_of(runs: Iterable[Run], *, now: datetime | None = None) -> dict[UUID, Card]:
    """Return the context of `_run_card.html` for each run, by the run's id.

    The context is the same for all viewers. The number of queries doesn't depend on the number of
    runs. `now` is the current time; without it, one more query reads the time.
    """
    found = list({run.pk: run for run in runs}.values())
    if not found:
        return {}
    now = now or clock.now()
    readings = read_runs(found, now, most=MOST_READ)
    votes = votes_on(wait for one in readings for wait in one.voted_on())
    openings = {one.run.pk: one.openings(votes) for one in readings}
    answerers, standing = answerers_for(found, openings), Hindrances(found, now)
    return {
        one.run.pk: _card(
            one, facts_of(one, openings[one.run.pk], standing, answerers[one.run.procedure_id])
        )
        for one in readings
    }


def cards_in(messages: Iterable[Message], *, now: datetime | None = None) -> dict[UUID, Card]:
    """Return the context of each card among these messages, by the id of the card's run."""
    cards = (one.run for one in messages if one.kind == Message.Kind.RUN)
    return cards_of((run for run in cards if run), now=now)


def listed_from(cards: Iterable[Card]) -> dict[UUID, Listed]:
    """Return runs with their states, by id, from cards that have been read; this takes no query.

    The results equal those of `listed_runs`. Runs that will retry a step are left out, because a
    card doesn't contain the time since which the step has been failing.
    """
    every = (card["facts"] for card in cards)
    found = (facts for facts in every if facts.status != RunStatus.RETRYING)
    return {facts.run.pk: Listed(facts.run, facts.for_lists()) for facts in found}


def card_overview(run: Run) -> Card:
    """Return the context of `_run_card.html` for one run."""
    return cards_of([run])[run.pk]


def _card(read: Reading, facts: Facts) -> Card:
    lines = folded(read.rows)[-MOST_LINES:]
    stages = [row for row in read.rows if row.kind == "stage"]
    coming = stages[-1].then if stages else []
    return {
        "run": read.run,
        "facts": facts,
        "state": state_of(facts),
        "rows": [Drawn(row, [], length_of(row), given=given_to(row)) for row in lines],
        "stages": stages[-MOST_STAGES:],
        "coming": coming[:MOST_STAGES],
        "more_coming": len(coming[MOST_STAGES:]),
        "steps": read.steps,
        "is_cut": read.is_cut,
        "worked": format_duration(read.worked),
        "spent": "" if read.is_cut else spent_words(read.spent),
    }
