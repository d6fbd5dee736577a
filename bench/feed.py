"""The feed of copied sessions, computed from their messages in two statements."""

from typing import Any

from django.db import connection, models

from chat.models import Assignment, FeedEntry, Member, Message, RunAudience
from procedures.models import Run

ASKED = """
INSERT INTO {audience} (run_id, audience)
SELECT DISTINCT run_id, CASE
  WHEN permission <> '' THEN 'perm:' || permission
  WHEN user_id IS NOT NULL THEN 'asked:' || user_id
  ELSE 'group:' || group_id END
FROM {assignment}
"""
FED = """
WITH said AS (
  SELECT id, session_id, seq, run_id FROM {message} WHERE run_id IS NOT NULL
  UNION SELECT reply.id, reply.session_id, reply.seq, message.run_id
  FROM {message} AS reply JOIN {message} AS message ON message.id = reply.reply_to_id
  WHERE message.run_id IS NOT NULL
), heard AS (
  SELECT id, session_id, seq, 'all' AS audience FROM {message}
  UNION ALL SELECT {message}.id, {message}.session_id, seq, 'member:' || user_id
  FROM {message} JOIN {member} ON {member}.session_id = {message}.session_id AND NOT in_crowd
  UNION ALL SELECT id, session_id, seq, 'runs' FROM said
  UNION ALL SELECT said.id, session_id, seq, 'procedure:' || procedure_id
  FROM said JOIN {run} ON {run}.id = run_id
  UNION ALL SELECT said.id, session_id, seq, 'user:' || started_by_id
  FROM said JOIN {run} ON {run}.id = run_id WHERE started_by_id IS NOT NULL
  UNION ALL SELECT id, session_id, seq, audience
  FROM said JOIN {audience} ON {audience}.run_id = said.run_id
  UNION ALL SELECT id, session_id, seq, 'writer:' || author_id FROM {message} WHERE kind = 'person'
  UNION ALL SELECT reply.id, reply.session_id, reply.seq, 'writer:' || message.author_id
  FROM {message} AS reply JOIN {message} AS message ON message.id = reply.reply_to_id
  WHERE message.author_id IS NOT NULL
), numbered AS (
  SELECT id, session_id, seq, audience,
    row_number() OVER (PARTITION BY session_id, audience ORDER BY seq DESC) AS place FROM heard
)
INSERT INTO {entry} (session_id, audience, newest, seq)
SELECT session_id, audience, id, seq FROM numbered WHERE place = 1
"""
TABLES: dict[str, type[models.Model]] = {
    "assignment": Assignment,
    "audience": RunAudience,
    "entry": FeedEntry,
    "member": Member,
    "message": Message,
    "run": Run,
}


def rebuild_feed() -> None:
    """Fill the feed from all messages, members and assignments."""
    named = {name: table_of(model) for name, model in TABLES.items()}
    with connection.cursor() as cursor:
        empty_feed(cursor)
        for statement in (ASKED, FED):
            # Otherwise the database plans for the few rows that it knows of.
            analyze()
            cursor.execute(statement.format(**named))


def empty_feed(cursor: Any) -> None:
    for model in (FeedEntry, RunAudience):
        cursor.execute(f"DELETE FROM {table_of(model)}")


def table_of(model: type[models.Model]) -> str:
    return model._meta.db_table  # noqa: SLF001 (documented)


def analyze() -> None:
    """Update the database's statistics, as it does by itself some time after many new rows."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # It may be doing so just now, and a transaction that has locked a run waits for nobody.
            cursor.execute("SET lock_timeout = 0")
        cursor.execute("ANALYZE")
