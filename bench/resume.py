"""The time from a run's claim to the line after its last kept step, and the memory used.

Times are in milliseconds; `cpu_ms` is the part spent by the worker's own thread. Each journal
length has its own process; `peak_mb` is the most it ever held, and at least that of its parent.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any

from bench.site import arguments, site, tell

LENGTHS = (1_000, 10_000, 100_000)
AT_ONCE = 1000
"""Events per commit while a journal is made."""


def main() -> None:
    given = arguments(__doc__, longest=LENGTHS[-1])
    with site(given.database):
        lengths = [one for one in LENGTHS if one <= given.longest] or [given.longest]
        for is_pure in (False, True):
            for length in lengths:
                figures = resume(length, given.pairs, is_pure=is_pure)
                tell(bench="resume", database=given.database, pure=is_pure, **figures)


def resume(length: int, rounds: int, *, is_pure: bool = False) -> dict[str, Any]:
    """Return the figures of a worker process that takes up so many runs of that length in turn."""
    runs = [ready(10), *(ready(length, is_pure=is_pure) for _ in range(rounds))]
    command = [sys.executable, "-m", "bench.resumer", *map(str, runs)]
    told = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    figures: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    return {"events": length, **figures}


def ready(checkpoints: int, *, is_pure: bool = False) -> Any:
    """Return a queued run whose journal holds so many steps, written as a worker writes them."""
    from procedures import journal
    from procedures.engine.journal.events import Batch, EventKind, Handoff, NewEvent, RunStatus
    from procedures.services import start_run

    run, _ = start_run("resumed", {"checkpoints": checkpoints}, by=None)
    held = journal.claim(run.pk)
    assert held
    content = {
        "attempt": 1,
        "started_at": held.now().isoformat(),
        "arguments": "4f53cda18c2baa0c",
        "result": None,
        **({"pure": True} if is_pure else {}),
    }
    drafts = (NewEvent(EventKind.STEP_SUCCEEDED, key, key, content) for key in keys(checkpoints))
    while batch := tuple(islice(drafts, AT_ONCE)):
        held.commit(Batch(batch))
    suspended = (NewEvent(EventKind.RUN_SUSPENDED, data={"on": "others"}),)
    held.commit(Batch(suspended, handoff=Handoff(RunStatus.QUEUED)))
    return run.pk


def keys(count: int) -> Iterator[str]:
    yield "nothing"
    for number in range(2, count + 1):
        yield f"nothing#{number}"


if __name__ == "__main__":
    main()
