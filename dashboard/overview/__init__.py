"""Runs as pages show them: plain values made from rows and journals, without HTML."""

from dashboard.overview.cards import card_overview, cards_of
from dashboard.overview.drawing import Node, cell, draw
from dashboard.overview.lines import JournalLine, line_of
from dashboard.overview.lists import listed_runs
from dashboard.overview.runs import run_overview
from dashboard.overview.states import State

__all__ = [
    "JournalLine",
    "Node",
    "State",
    "card_overview",
    "cards_of",
    "cell",
    "draw",
    "line_of",
    "listed_runs",
    "run_overview",
]
