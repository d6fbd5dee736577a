"""The sights of one simulation, so that nobody trusts seeds in which nothing happens."""

from collections import Counter
from collections.abc import Iterator

from procedures.engine.journal.events import Event, EventKind
from procedures.engine.journal.large import unpacked
from procedures.engine.replay.history import UNDO
from procedures.engine.values.files import use_file_store
from tests.simulation.world import World

SIGHTS = {
    "crashes": "crashes",
    "stopped": "workers stopped",
    "no replies": "commits without a reply",
    "zombies": "writes of zombies, refused",
    "timed out": "steps stopped by their timeout",
    "given up": "processes ended by a stuck step's watchdog",
    "succeeded": "runs succeeded",
    "failed": "runs failed",
    "cancelled": "runs cancelled",
    "grandchildren": "children of children",
    "maps failed": "maps with a child that failed",
    "begun anew": "runs begun anew",
    "undone": "steps that undo",
    "rows": "steps in a transaction",
    "files": "files made",
    "large": "values too large for an event",
    "retry": "retries by operators",
    "override": "overrides by operators",
    "force_end": "runs ended at once by operators",
    "pause": "runs paused by operators",
    "unpause": "runs let go on after a pause",
    "repeat": "doubtful steps repeated",
    "happened": "doubtful steps that had happened",
    "fail": "doubtful steps that were to fail",
    "early signals": "signals that came before their wait",
    "refused signals": "signals refused, as they did not fit",
    "skipped": "signals skipped, as they did not fit",
    "signals again": "signals that came again",
    "messages": "messages to runs",
    "steering messages": "messages to steps at work",
    "read by steps": "messages that a step has read",
    "settled answers": "answers that took effect when they couldn't be undone any more",
    "undone answers": "answers that were undone",
}


def sights(world: World) -> Counter[str]:
    counts = Counter(world.counts)
    counts["zombies"] = world.refused
    counts["rows"] = len(world.outside.rows)
    with use_file_store(world.store.files):
        for run in world.store.runs.values():
            counts[run.status] += 1
            counts["grandchildren"] += run.facts.depth == 2
            counts["files"] += len(run.files)
            counts.update(sight for event in run.events for sight in _in(event))
            steps = [one for one in run.events if one.kind == EventKind.STEP_SUCCEEDED]
            counts["read by steps"] += sum(len(one.content.get("read", ())) for one in steps)
    return counts


def _in(event: Event) -> Iterator[str]:
    content = event.content
    if any(name.endswith("_elsewhere") for name in content):
        yield "large"
    yield from ["skipped"] * (event.kind == EventKind.LOG and "was skipped" in event.name)
    if event.kind == EventKind.OPERATOR:
        yield event.name
    elif event.kind == EventKind.RUN_CONTINUED:
        yield "begun anew"
    elif event.kind == EventKind.STEP_SUCCEEDED and event.key.startswith(UNDO):
        yield "undone"
    elif event.kind == EventKind.WAIT_CLOSED and "/doubt" in event.key:
        yield content["value"] or content["outcome"]
    elif content.get("outcome") == "finished":
        ends = unpacked(content, "value")
        if any(outcome != "succeeded" for outcome, _, _ in ends):
            yield "maps failed"
