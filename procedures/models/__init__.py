"""The database models of procedures and runs, one model per file."""

from procedures.models.act import Act, LogHead
from procedures.models.artifact import Artifact
from procedures.models.chosen_run import ChosenRun
from procedures.models.event import Event
from procedures.models.head import Head
from procedures.models.installation import Installation
from procedures.models.legal_hold import LegalHold
from procedures.models.procedure import Grant, Procedure, ProcedureVersion
from procedures.models.retention import RemovalRound, Retention
from procedures.models.run import Run
from procedures.models.run_input import RunInput
from procedures.models.signal import Signal
from procedures.models.stale_content import StaleContent
from procedures.models.stopped_starts import StoppedStarts
from procedures.models.tombstone import Tombstone
from procedures.models.wait import Wait

__all__ = [
    "Act",
    "Artifact",
    "ChosenRun",
    "Event",
    "Grant",
    "Head",
    "Installation",
    "LegalHold",
    "LogHead",
    "Procedure",
    "ProcedureVersion",
    "RemovalRound",
    "Retention",
    "Run",
    "RunInput",
    "Signal",
    "StaleContent",
    "StoppedStarts",
    "Tombstone",
    "Wait",
]
