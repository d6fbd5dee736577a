"""The time of a step by part, in microseconds, and its statements and bytes.

It runs in this process and not in a worker, so that each part can be timed without the others.
`--database` as everywhere.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.site import arguments, site, tell

BESIDE = 20
"""The number of steps in the run that is subtracted, which measures a claim and an end."""


def main() -> None:
    given = arguments(__doc__, steps=1000)
    with site(given.database):
        carried_on(BESIDE)
        tell(bench="profile", database=given.database, **said_and_written(given.steps))
        tell(bench="profile", database=given.database, **shares(given.steps))


def shares(steps: int) -> dict[str, float]:
    """Return the microseconds per step, part by part."""
    from procedures.engine.journal import events as journal
    from procedures.engine.values import canonical
    from procedures.journal import DatabaseJournal
    from procedures.store.cursors import bare_cursor, this_database

    parts = Parts()
    parts.time(type(bare_cursor(this_database())), "execute", "database")
    parts.time(canonical, "text_of", "json")
    parts.time(journal, "_mark", "chain")
    parts.time(DatabaseJournal, "_tell_of_change", "hint")
    whole = carried_on(steps)
    told = {f"{name}_us": spent / steps * 1e6 for name, spent in parts.spent.items()}
    return {**told, "rest_us": (whole - sum(parts.spent.values())) / steps * 1e6}


class Parts:
    """The time spent in some functions, each without the others that it calls."""

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)
        self._inner = [0.0]

    def time(self, owner: Any, name: str, part: str) -> None:
        act: Callable[..., Any] = getattr(owner, name)

        def timed(*args: Any, **named: Any) -> Any:
            began = time.perf_counter()
            self._inner.append(0)
            try:
                return act(*args, **named)
            finally:
                spent = time.perf_counter() - began
                self.spent[part] += spent - self._inner.pop()
                self._inner[-1] += spent

        setattr(owner, name, timed)


def said_and_written(steps: int) -> dict[str, float]:
    """Return the number of statements, commits and written bytes per step."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def measured(count: int) -> tuple[int, int, int, int]:
        logged, kept = bytes_logged(), bytes_kept()
        with CaptureQueriesContext(connection) as captured:
            carried_on(count)
        said = [query["sql"].split(" ", 1)[0] for query in captured]
        return (
            sum(word not in {"BEGIN", "COMMIT"} for word in said),
            commits_of(said),
            bytes_logged() - logged,
            bytes_kept() - kept,
        )

    few, many = measured(BESIDE), measured(BESIDE + steps)
    names = ("statements", "commits", "bytes_logged", "bytes_kept")
    return {name: (more - less) / steps for name, more, less in zip(names, many, few, strict=True)}


def commits_of(said: list[str]) -> int:
    """Count the transactions and the statements that commit by themselves."""
    commits, is_inside = 0, False
    for word in said:
        if word in {"BEGIN", "COMMIT"}:
            is_inside = word == "BEGIN"
        if not is_inside and word not in {"SELECT", "BEGIN"}:
            commits += 1
    return commits


def bytes_logged() -> int:
    """Return the bytes written to the write-ahead log so far."""
    from django.db import connection

    if connection.vendor == "postgresql":
        return asked("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
    asked("PRAGMA wal_autocheckpoint=0")
    return Path(f"{connection.settings_dict['NAME']}-wal").stat().st_size


def bytes_kept() -> int:
    """Return the size of the journals, with their indexes."""
    from django.db import connection

    if connection.vendor == "postgresql":
        return asked("SELECT pg_total_relation_size('countersign_procedures_event')")
    return asked("PRAGMA page_count") * asked("PRAGMA page_size")


def asked(question: str) -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(question)
        return int(cursor.fetchone()[0])


def carried_on(steps: int) -> float:
    """Return the seconds that the steps of a new run take in this process."""
    from procedures.runner import advance_run
    from procedures.services import start_run

    run, _ = start_run("empty_steps", {"count": steps}, by=None)
    advance_run(run.pk)
    run.refresh_from_db()
    return float(run.result or "nan")


if __name__ == "__main__":
    main()
