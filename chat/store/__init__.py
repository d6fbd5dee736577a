"""The SQL statements of every answer, message and change, by name."""

from pathlib import Path

from procedures.store.statements import Statements

sql = Statements(
    Path(__file__).parent / "sql",
    {
        "change": "chat.SessionEvent",
        "message": "chat.Message",
        "request": "chat.HumanRequest",
        "session": "chat.Session",
        "wait": "procedures.Wait",
    },
)
