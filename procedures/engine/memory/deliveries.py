"""What runs in memory do to each other, at once: the twin of procedures/journal/deliveries.py."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from procedures.engine.journal.large import unpacked
from procedures.engine.memory.rows import MemoryRun
from procedures.engine.values.files import use_file_store
from procedures.engine.waits.sending import out_of_reach, sender_of
from procedures.engine.waits.signals import misfit_of

if TYPE_CHECKING:
    from procedures.engine.memory.store import MemoryStore


def refusal(store: "MemoryStore", run: MemoryRun, to: str) -> str:
    """Why a run may not reach another one; in memory people may do what they like to their runs."""
    other = store.runs.get(to)
    if other and (_is_kin(run, other) or _is_by_same_person(run, other)):
        return ""
    return out_of_reach(to)


def _is_kin(run: MemoryRun, other: MemoryRun) -> bool:
    is_child = other.parent is not None and other.parent.run_id == run.facts.run_id
    return is_child or (run.parent is not None and run.parent.run_id == other.facts.run_id)


def _is_by_same_person(run: MemoryRun, other: MemoryRun) -> bool:
    by = run.events[0].content["by"]
    return bool(by != "system" and by == other.events[0].content["by"])


def deliver(store: "MemoryStore", run: MemoryRun, content: Mapping[str, Any]) -> None:
    other, sender = store.runs[content["to"]], sender_of(run.facts.run_id)
    if other.status.is_end:
        return
    if content["act"] == "signal":
        _deliver_signal(store, other, content, sender)
    elif other.cancellation is None:
        store.cancel(content["to"], by=sender, reason=content["reason"])


def _deliver_signal(
    store: "MemoryStore", other: MemoryRun, content: Mapping[str, Any], sender: str
) -> None:
    name, error = content["signal"], content["error"]
    if (name, content["id"]) in other.signal_ids:
        return
    with use_file_store(store.files):
        value = unpacked(content, "value")
    other.signal_ids.add((name, content["id"]))
    other.signals.append({"name": name, "value": value, "by": sender, "error": error})
    waits = [key for key, wait in other.waits.items() if wait.get("signal") == name]
    takers = [key for key in waits if error or not misfit_of(value, other.waits[key])]
    for key in (takers or waits)[:1]:  # one that nobody can take is skipped there
        store.match_signal(other, key)
