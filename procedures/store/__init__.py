"""The SQL statements of every claim, step, answer and end of a run, by the statement's name."""

from pathlib import Path

from procedures.store.memberships import groups_of_user
from procedures.store.statements import Statements

sql = Statements(
    Path(__file__).parent / "sql",
    {
        "event": "countersign_procedures.Event",
        "grant": "countersign_procedures.Grant",
        "head": "countersign_procedures.Head",
        "input": "countersign_procedures.RunInput",
        "installation": "countersign_procedures.Installation",
        "procedure": "countersign_procedures.Procedure",
        "stop": "countersign_procedures.StoppedStarts",
        "run": "countersign_procedures.Run",
        "version": "countersign_procedures.ProcedureVersion",
        "wait": "countersign_procedures.Wait",
    },
    {"groups_of_user": groups_of_user},
)
