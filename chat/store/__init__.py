"""The SQL statements for requests, messages and session changes, by name."""

from pathlib import Path

from procedures.store.memberships import group_key, groups_of_user, user_key
from procedures.store.statements import Statements

sql = Statements(
    Path(__file__).parent / "sql",
    {
        "assignment": "countersign_chat.Assignment",
        "audience_of_run": "countersign_chat.RunAudience",
        "change": "countersign_chat.SessionEvent",
        "entry": "countersign_chat.FeedEntry",
        "mark": "countersign_chat.ReadMark",
        "member": "countersign_chat.Member",
        "message": "countersign_chat.Message",
        "request": "countersign_chat.HumanRequest",
        "run": "countersign_procedures.Run",
        "session": "countersign_chat.Session",
        "shared": "countersign_chat.SharedRun",
        "snooze": "countersign_chat.Snooze",
        "group": "auth.Group",
        "wait": "countersign_procedures.Wait",
    },
    {"group_key": group_key, "groups_of_user": groups_of_user, "user_key": user_key},
)
