"""What pages show of runs: plain values from the rows and the journal, no HTML."""

from procedures.overview.drawing import Node, cell, draw
from procedures.overview.lines import Line, line_of
from procedures.overview.runs import listed_runs, run_overview
from procedures.overview.states import State
from procedures.overview.waiting import fate_of

__all__ = [
    "Line",
    "Node",
    "State",
    "cell",
    "draw",
    "fate_of",
    "line_of",
    "listed_runs",
    "run_overview",
]
