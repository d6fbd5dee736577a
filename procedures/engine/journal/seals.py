"""Seals: keyed digests of a row's fields, stored in an event as proof of each field.

The digests need a key, because a value may be short enough to guess: an e-mail address, a yes or
no, an amount.
"""

import hmac
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from procedures.engine.journal.events import RUN_ENDED, Batch, EventKind, NewEvent
from procedures.engine.values import canonical

PROOF = "proof"
"""The field of an event that holds the seals of a row's fields."""
LENGTH = 32
"""The length of a seal: 32 hexadecimal digits, which are 128 bits."""
ENDS = {
    EventKind.RUN_SUCCEEDED,
    EventKind.RUN_FAILED,
    EventKind.RUN_CANCELLED,
    EventKind.RUN_QUARANTINED,
}
EMPTY = (None, "", 0)


def seals_of(facts: Mapping[str, Any], *, owner: str, key: bytes) -> dict[str, str]:
    """Return a seal for each field value that isn't empty; `owner` is the id of the fields' row."""
    return {
        name: seal_of(owner, name, value, key)
        for name, value in facts.items()
        if value not in EMPTY
    }


def differing(
    facts: Mapping[str, Any], kept: Mapping[str, str], *, owner: str, keys: Iterable[bytes]
) -> list[str]:
    """Return the names of the fields that no longer have the value that was sealed.

    `kept` holds the stored seals. New seals are computed with each key, because an older key may
    have sealed the row; the key with the fewest differences counts.
    """
    found: list[list[str]] = []
    for key in keys:
        sealed = seals_of(facts, owner=owner, key=key)
        found.append([name for name in facts if sealed.get(name) != kept.get(name)])
    # The fields were sealed with the key under which the fewest differ: a row that was sealed with
    # an older key isn't forged.
    return min(found, key=len)


def proven(batch: Batch, *, run_id: str, key: bytes) -> tuple[NewEvent, ...]:
    """Return the batch's events; an event that ends the run gets seals of its result and error."""
    handoff = batch.handoff
    if handoff is None:
        return batch.events
    error = canonical.text_of(handoff.error) if handoff.error else ""
    facts = {"result": handoff.result, "error": error}
    proof: dict[str, Any] = {PROOF: seals_of(facts, owner=run_id, key=key)}
    if handoff.closes != RUN_ENDED:
        proof["closes"] = handoff.closes
    return tuple(_with(draft, proof) if draft.kind in ENDS else draft for draft in batch.events)


def _with(draft: NewEvent, proof: Mapping[str, Any]) -> NewEvent:
    return NewEvent(draft.kind, draft.key, draft.name, {**draft.data, **proof})


def seal_of(owner: str, name: str, value: Any, key: bytes) -> str:
    """Return the seal of one field value, which may be empty."""
    text = canonical.text_of(["seal", owner, name, _text(value)])
    return hmac.digest(key, text.encode(), "sha256").hex()[:LENGTH]


def _text(value: Any) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)
