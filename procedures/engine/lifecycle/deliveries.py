"""Signals and cancels that one run sends to another run.

The commit of the sender's event only stores the signal or cancel for the other run, and doesn't
lock that run. After the commit, a second transaction locks the other run and applies the signal or
cancel. If this second transaction never happens, the other run's next claim, or a sweep, does the
same.
"""

from collections.abc import Mapping
from typing import Any

from procedures.engine.journal.events import Event, NewEvent
from procedures.engine.journal.large import unpacked
from procedures.engine.lifecycle.cancel import ask_to_end
from procedures.engine.lifecycle.runs import is_over
from procedures.engine.lifecycle.signals import take_signal
from procedures.engine.store import InputRow, RunRow, SentSignal, Store
from procedures.engine.values import canonical

SENT = "sent"
"""The kind under which signals and cancels from other runs are stored."""


def out_of_reach(to: str) -> str:
    """Return the sentence that refuses a run's access to the run with the id `to`.

    The sentence is the same if there is no such run, so that nobody can find out which ids exist.
    """
    return f"There is no run {to:.80}, or this run doesn't have access to it."


def refusal(store: Store, run: RunRow, to: str) -> str:
    """Return a sentence that refuses `run` access to the run with the id `to`; "" if it has access.

    A run has access to its children and its parent, and to the runs to which the person who started
    it has access.
    """
    other = store.find_named(to)
    if other and (_are_kin(run, other) or store.may_reach(run, other)):
        return ""
    return out_of_reach(to)


def _are_kin(run: RunRow, other: RunRow) -> bool:
    above, below = run.parent_wait, other.parent_wait
    is_child = below is not None and below.run_id == run.pk
    return is_child or (above is not None and above.run_id == other.pk)


def sender_of(run_id: str) -> str:
    """Return the sender's name for signals and cancels that a run sends, such as "run 0193…"."""
    return f"run {run_id}"


def send(store: Store, run: RunRow, event: Event, content: Mapping[str, Any]) -> None:
    """Store the signal or the cancel that `event` has recorded for the run to which it is sent.

    The event belongs to the sender `run` and is stored in the same commit.
    """
    if content["refused"]:
        return
    other = store.run_key(content["to"])
    store.put_input(other, NewEvent(SENT, event.key, str(run.pk), dict(content)))
    # Use a separate transaction: two runs that send to each other would lock each other's rows in
    # opposite orders.
    store.after_commit(lambda store: deliver(store, other))


def deliver(store: Store, run_id: Any) -> bool:
    """Lock a run and apply all signals and cancels that other runs have sent to it.

    A second call changes nothing. Returns False, because no further call is needed.
    """
    deliver_locked(store, store.lock_run(run_id))
    return False


def deliver_locked(store: Store, run: RunRow) -> None:
    sent = store.inputs(run, SENT)
    store.note_brought(run, sent)
    for one in sent:
        # Check each time, because an earlier one may have ended the run.
        if is_over(run):
            return
        content = one.content
        if content["act"] == "signal":
            take_signal(store, run, _signal_in(store, one))
        elif run.cancel_requested_at is None:
            payload = {"action": "cancel", "by": sender_of(one.name), "reason": content["reason"]}
            ask_to_end(store, run, payload)


def _signal_in(store: Store, row: InputRow) -> SentSignal:
    content = row.content
    with store.use_files():
        value = canonical.text_of(unpacked(content, "value"))
    sender = sender_of(row.name)
    return SentSignal(content["signal"], content["id"], value, sender, error=content["error"])
