"""Runs that wait for people: the database space of each, and the cost of all of them at rest.

Each has asked one question of 200 characters in its own chat session. Then some of them are
answered as fast as possible. The floor of the figures at rest is the same site with no run waiting.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

from bench.procedures import ANSWERERS
from bench.site import parser_of_numbers, site, tell

TICKS = 100
"""Kernel ticks per second."""
LONGEST = 1800
"""Seconds until all runs wait."""
LEAST_SHOWN = 10
"""The least bytes per run for which a table or index is shown."""
SIZES = """
    SELECT relname, pg_relation_size(oid) FROM pg_class WHERE relkind IN ('r', 'i', 't')
    AND relnamespace <> 'pg_catalog'::regnamespace
"""


def main() -> None:
    given = parser_of_numbers(__doc__, runs=10_000, answers=1000, seconds=20).parse_args()
    with site("postgres", NOTIFY_AFTER_SECONDS="86400") as stack:  # at rest: nobody is to be told
        from tests.processes import Web, clock_worker, run_worker

        parts = [run_worker(2), clock_worker(), Web()]
        for part in parts:
            stack.callback(part.end)
            part.start()
        worker = parts[0]
        answer_all(waiting(20))
        before, sizes = at_rest(parts, worker, given.seconds), vacuumed()
        began = time.time()
        runs = waiting(given.runs)
        spent = time.time() - began
        grown = growth(sizes, vacuumed(), given.runs)
        for name, each in grown.items():
            tell(bench="waiting", part=name, bytes_each=each)
        tell(
            bench="waiting", runs=given.runs, bytes_each=sum(grown.values()), waiting_after_s=spent
        )
        after = at_rest(parts, worker, given.seconds)
        for name, figure in after.items():
            tell(bench="waiting", figure=name, with_none=before[name], with_all=figure)
        tell(bench="waiting", sweep_statements=len(sweep()), scanned=scanned(given.runs))
        tell(
            bench="waiting", answered=given.answers, all_on_after_s=answer_all(runs, given.answers)
        )


def waiting(count: int) -> list[Any]:
    from procedures.engine.journal.events import RunStatus
    from procedures.models import Run
    from procedures.services import start_run
    from tests.processes import wait_until

    runs = [start_run("asking", {}, by=person())[0].pk for _ in range(count)]
    left = Run.objects.filter(pk__gte=runs[0]).exclude(status=RunStatus.WAITING)
    wait_until(lambda: not left.exists(), LONGEST, what="all runs to wait")
    return runs


@cache
def person() -> Any:
    """Return a superuser, who may start the runs, in the group that their questions are for."""
    from django.contrib.auth.models import Group, User

    found, _ = User.objects.get_or_create(username="bench", is_superuser=True)
    group, _ = Group.objects.get_or_create(name=ANSWERERS)
    found.groups.add(group)
    return found


def answer_all(runs: Sequence[Any], count: int | None = None) -> float:
    """Return the seconds from the first answer's commit to the last run's next line."""
    from chat.models import HumanRequest
    from procedures.models import Run
    from tests.processes import wait_until

    chosen = list(runs[:count])
    requests = HumanRequest.objects.filter(wait__run__in=chosen).values_list("pk", flat=True)
    with ThreadPoolExecutor(4) as people:
        committed = min(people.map(answer, requests))
    on = Run.objects.filter(pk__in=chosen, result__isnull=False)
    wait_until(lambda: on.count() == len(chosen), LONGEST, what="all runs to go on")
    ended = max(float(text or 0) for text in on.values_list("result", flat=True))
    return ended - committed


def answer(request: Any) -> float:
    """Answer a request and return the time of its commit."""
    from django.db import connection

    from chat.services import Answer, respond

    try:
        respond(request, Answer(value=True), by=person())
        return time.time()
    finally:
        connection.close()


def vacuumed() -> dict[str, int]:
    """Return the bytes of each table and index after a vacuum."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute(SIZES)
        return dict(cursor.fetchall())


def growth(before: dict[str, int], after: dict[str, int], count: int) -> dict[str, float]:
    each = {name: (size - before.get(name, 0)) / count for name, size in after.items()}
    largest = sorted(each, key=lambda name: -each[name])
    return {name: each[name] for name in largest if each[name] >= LEAST_SHOWN}


def at_rest(parts: Sequence[Any], worker: Any, seconds: int) -> dict[str, float]:
    """Return the percentage of a core the site uses, and the megabytes of the worker."""
    began, ticks = time.time(), sum(ticks_of(part.pid) for part in parts)
    time.sleep(seconds)
    spent = sum(ticks_of(part.pid) for part in parts) - ticks
    percent = 100 * spent / TICKS / (time.time() - began)
    return {"idle_percent": percent, "worker_mb": memory_of(worker.pid)}


def ticks_of(pid: int) -> int:
    """Return the processor ticks used by a process and its children."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(words[11]) + int(words[12]) + sum(map(ticks_of, children_of(pid)))


def memory_of(pid: int) -> float:
    """Return the megabytes of a process and its children; shared memory counts once."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kilobytes / 1024 + sum(map(memory_of, children_of(pid)))


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def sweep() -> list[str]:
    """Return the statements of one sweep and one look for notifications."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from chat.services import plan_notifications
    from procedures import services

    with CaptureQueriesContext(connection) as captured:
        services.sweep()
        plan_notifications()
    return [query["sql"] for query in captured]


def scanned(least: int) -> list[str]:
    """Return the large tables that one of these statements reads completely."""
    from django.db import connection

    found = set[str]()
    with connection.cursor() as cursor:
        for statement in sweep():
            if statement.startswith("SELECT"):
                cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}")
                found.update(scans(cursor.fetchone()[0][0]["Plan"]))
        cursor.execute("SELECT relname FROM pg_class WHERE reltuples >= %s", [least])
        large = {name for (name,) in cursor.fetchall()}
    return sorted(found & large)


def scans(plan: dict[str, Any]) -> list[str]:
    below = [name for inner in plan.get("Plans", []) for name in scans(inner)]
    return [*below, plan["Relation Name"]] if plan["Node Type"] == "Seq Scan" else below


if __name__ == "__main__":
    main()
