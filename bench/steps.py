"""One run of N empty steps in a real worker, each kept before the next, in steps per second.

The floor inserts and commits one row after another over the bare driver, as durably. With
`--many 10000`, a step of such a long run is compared with one in a run of `--few`.
"""

import sqlite3
import time
from functools import partial
from pathlib import Path

from bench.site import Pair, arguments, in_turn, site, tell

ROW = ("00000000-0000-0000-0000-000000000001", "step.succeeded", "nothing#1000", "nothing")
DATA = '{"arguments":"4f53cda18c2baa0c","attempt":1,"result":null,"started_at":"2026-01-05T09:00"}'
COLUMNS = "(run text, seq integer, kind text, key text, name text, data text, at text, hash text)"
LOOKS_EVERY = 0.2
"""Seconds between looks; frequent looks would use processor time that is being measured."""
AT, MARK = "2026-01-05T09:00:00+00:00", "f" * 64


def main() -> None:
    given = arguments(__doc__, steps=1000, few=100, many=0)
    with site(given.database) as stack:
        from tests.processes import run_worker

        worker = run_worker(1)
        stack.callback(worker.end)
        worker.start()
        floor = partial(FLOORS[given.database], given.steps)
        ours(given.steps)
        show(given.database, given.steps, in_turn(given.pairs, lambda: ours(given.steps), floor))
        pair = in_turn(given.pairs, lambda: ours(given.steps, pure=True), floor)
        show(given.database, given.steps, pair, pure=True)
        if given.many:
            show_growth(given.database, given.pairs, given.few, given.many)


def show_growth(database: str, pairs: int, few: int, many: int) -> None:
    """Print a step's cost in a long run and in a short one, measured alternately."""
    pair = in_turn(pairs, lambda: 1e6 / ours(many), lambda: 1e6 / ours(few))
    figures = {"few": few, "many": many, "few_us": pair.floor, "many_us": pair.ours}
    tell(bench="steps", database=database, **figures, growth=pair.ratio)


def show(database: str, steps: int, pair: Pair, *, pure: bool = False) -> None:
    figures = {"ours_per_s": pair.ours, "floor_per_s": pair.floor, "ratio": pair.ratio}
    tell(bench="steps", database=database, steps=steps, pure=pure, **figures)


def ours(steps: int, *, pure: bool = False) -> float:
    from procedures.services import start_run
    from tests.processes import wait_until
    from tests.runs import result_of

    run, _ = start_run("empty_steps", {"count": steps, "pure": pure}, by=None)
    result = wait_until(lambda: result_of(run), 300, what="the steps", every=LOOKS_EVERY)
    return steps / float(result)


def sqlite_floor(steps: int) -> float:
    from django.conf import settings

    path = Path(settings.DATABASES["default"]["NAME"]).with_name("floor.sqlite3")
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"CREATE TABLE event {COLUMNS}")
    connection.execute("CREATE UNIQUE INDEX one_event_per_seq ON event (run, seq)")
    began = time.perf_counter()
    for seq in range(steps):
        row = (ROW[0], seq, *ROW[1:], DATA, AT, MARK)
        connection.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    spent = time.perf_counter() - began
    connection.close()
    return steps / spent


def postgres_floor(steps: int) -> float:
    import psycopg

    from tests import machine

    with psycopg.connect(machine.DATABASE_URL, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS floor")
        connection.execute(f"CREATE TABLE floor {COLUMNS}")
        connection.execute("CREATE UNIQUE INDEX ON floor (run, seq)")
        began = time.perf_counter()
        for seq in range(steps):
            row = (ROW[0], seq, *ROW[1:], DATA, AT, MARK)
            connection.execute(
                "INSERT INTO floor VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", row, prepare=True
            )
        return steps / (time.perf_counter() - began)


FLOORS = {"sqlite": sqlite_floor, "postgres": postgres_floor}

if __name__ == "__main__":
    main()
