"""The SQL statements for requests, messages and session changes, by name."""

from pathlib import Path

from procedures.store.statements import Statements

sql = Statements(
    Path(__file__).parent / "sql",
    {
        "assignment": "countersign_chat.Assignment",
        "change": "countersign_chat.SessionEvent",
        "message": "countersign_chat.Message",
        "request": "countersign_chat.HumanRequest",
        "session": "countersign_chat.Session",
        "wait": "countersign_procedures.Wait",
    },
)
