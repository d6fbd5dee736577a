"""Proofs of rows that aren't described completely by events.

A proof holds a seal for each field of the row: a hash of the field's value, made with LEDGER_KEY.
"""

import re
import secrets
from collections.abc import Sequence
from itertools import combinations
from typing import Any

from django.db import models

from procedures.conf import conf
from procedures.engine.journal.seals import EMPTY, differing, seal_of, seals_of
from procedures.engine.values import canonical

FORM, NONCE, NUMBER, SEALED = "form", "nonce", "number", "sealed"
"""The names of the parts of a proof besides the seals of the fields.

The parts are the version of the proof's format; a nonce, which differs from the nonces of all other
rows; the number of the row, if such rows are counted; and a seal of the names of all sealed fields.
This last seal is needed because an empty field has no seal: without it, nobody would notice if a
field was emptied and the field's seal was removed.
"""
IDENTITY = (FORM, NONCE, NUMBER, SEALED)
PRESENT_FORM = 2
NONCE_MARKS = re.compile("[0-9a-f]{1,64}")
LATER = {"id", "taken_at", "assigned"}
"""The fields that are not sealed in proofs of the first format."""


def ledger_key() -> bytes:
    return conf.LEDGER_KEY.encode()


def ledger_keys() -> list[bytes]:
    """Return the current LEDGER_KEY, followed by the older keys."""
    return [ledger_key(), *(key.encode() for key in conf.LEDGER_KEY_FALLBACKS)]


def seal(row: Any, *, number: int = 0) -> None:
    """Write the proof of a row before its insertion: a seal for each field in `row.SEALED`.

    `number` is the number of the row if such rows are counted, else 0.
    """
    proof = {FORM: PRESENT_FORM, NONCE: secrets.token_hex(8), NUMBER: number}
    owner, key = _owner(row, proof), ledger_key()
    seals = seals_of(facts_of(row), owner=owner, key=key)
    row.proof = canonical.text_of({**proof, SEALED: _seal_of_names(seals, owner, key), **seals})


def reseal(row: Any, *names: str) -> None:
    """Renew the seals of the fields called `names`.

    The other seals stay as they are, so that tampering with other fields stays detectable.
    """
    proof = _parts(row)
    if not proof:  # the row is older than the proofs
        return
    facts = facts_of(row)
    owner, key = _owner(row, proof), ledger_key()
    changed = {name: facts[name] for name in names if name in facts}
    renewed = seals_of(changed, owner=owner, key=key)
    # Old seals are removed first, because a field that is empty now has no seal.
    kept = {name: one for name, one in proof.items() if name not in names} | renewed
    # The names are sealed again only if they were intact. Otherwise, a new seal would hide that a
    # field was emptied.
    if SEALED in proof and not _unnamed(facts, proof, owner):
        kept[SEALED] = _seal_of_names(_seals(kept), owner, key)
    row.proof = canonical.text_of(kept)


def unproven(row: Any) -> list[str]:
    """Return the names of the fields whose values don't fit their seals.

    Returns the names of all sealed fields if the row has no proof.
    """
    proof, facts = _parts(row), facts_of(row)
    if not proof:
        return list(facts)
    owner = _owner(row, proof)
    found = differing(facts, _seals(proof), owner=owner, keys=ledger_keys())
    return found or _unnamed(facts, proof, owner)


def number_of(row: Any) -> int:
    """Return the number of the row if such rows are counted, else 0."""
    return int(_parts(row).get(NUMBER, 0))


def nonce_of(row: Any) -> str:
    """Return the nonce in the row's proof; "" if there is no proof.

    If two rows have the same nonce, one of them is a copy of the other.
    """
    return str(_parts(row).get(NONCE, ""))


def facts_of(row: Any) -> dict[str, Any]:
    """Return the values of the fields that the row's proof covers."""
    meta, names = row._meta, _covered(row)  # noqa: SLF001 (Django documents it)
    if has_first_form(row):
        names = [name for name in names if name not in LATER]
    return {name: getattr(row, meta.get_field(name).attname) for name in names}


def has_first_form(row: Any) -> bool:
    """Return True if the row's proof has the first format.

    Proofs of the first format don't seal the fields in `LATER`, and the rows aren't counted.
    """
    return bool(_parts(row)) and FORM not in _parts(row)


def proof_field() -> "models.TextField[str, str]":
    help_text = "Proofs of the row's fields, made with LEDGER_KEY; empty in rows that have none."
    return models.TextField(blank=True, default="", db_default="", help_text=help_text)


def _covered(row: Any) -> Sequence[str]:
    names: Sequence[str] = getattr(row, "sealed_fields", row.SEALED)
    return names


def _parts(row: Any) -> dict[str, Any]:
    """Return the content of a row's proof; {} if the product can't have written such a proof."""
    try:
        kept: Any = canonical.plain(getattr(row, "proof", ""))
    except ValueError:
        return {}
    known = {*IDENTITY, *_covered(row)}
    if not (isinstance(kept, dict) and known.issuperset(kept)):
        return {}
    form, number, nonce = kept.get(FORM), kept.get(NUMBER, 0), kept.get(NONCE)
    is_known = form in (None, PRESENT_FORM) and isinstance(number, int) and isinstance(nonce, str)
    return kept if is_known and NONCE_MARKS.fullmatch(str(nonce)) else {}


def _seals(proof: dict[str, Any]) -> dict[str, str]:
    return {name: one for name, one in proof.items() if name not in IDENTITY}


def _owner(row: models.Model, proof: dict[str, Any]) -> str:
    table = row._meta.db_table  # noqa: SLF001 (Django documents it)
    if FORM not in proof:
        return f"{table} {proof[NONCE]}"
    return canonical.text_of([table, proof[FORM], proof[NONCE], proof.get(NUMBER)])


def _seal_of_names(seals: dict[str, str], owner: str, key: bytes) -> str:
    return seal_of(owner, SEALED, ",".join(sorted(seals)), key)


def _unnamed(facts: dict[str, Any], proof: dict[str, Any], owner: str) -> list[str]:
    """Return the names of the fields that were emptied together with their seals.

    Returns ["proof"] if the seal of the names shows a change, but not which fields were emptied.
    """
    if FORM not in proof:
        return []
    seals, emptied = _seals(proof), [name for name, value in facts.items() if value in EMPTY]
    for count in range(len(emptied) + 1):
        # An empty field and an emptied one look the same. Only the seal of the names tells which of
        # them had a seal. All sets of empty fields are tried, because there are few.
        for names in combinations(emptied, count):
            having = seals | dict.fromkeys(names, "")
            if any(proof.get(SEALED) == _seal_of_names(having, owner, k) for k in ledger_keys()):
                return list(names)
    return ["proof"]
