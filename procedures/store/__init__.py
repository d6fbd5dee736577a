"""The SQL statements of every claim, step, answer and end, by name, and their rows."""

from pathlib import Path

from procedures.store.statements import Statements

sql = Statements(
    Path(__file__).parent / "sql",
    {
        "event": "procedures.Event",
        "grant": "procedures.Grant",
        "head": "procedures.Head",
        "input": "procedures.RunInput",
        "procedure": "procedures.Procedure",
        "run": "procedures.Run",
        "version": "procedures.ProcedureVersion",
        "wait": "procedures.Wait",
    },
)
