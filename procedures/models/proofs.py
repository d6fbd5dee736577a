"""Proofs of rows that no event describes completely: a seal for each of their fields."""

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
"""The parts of a proof besides the seals.

They are the version of its format, a nonce that no other row shares, the row's number among those
counted with it, and a seal of the names of all sealed fields. The last one is needed because an
empty field has no seal.
"""
IDENTITY = (FORM, NONCE, NUMBER, SEALED)
PRESENT_FORM = 2
NONCE_MARKS = re.compile("[0-9a-f]{1,64}")
LATER = {"id", "taken_at", "assigned"}
"""The fields that proofs of the first format don't cover."""


def ledger_key() -> bytes:
    return conf.LEDGER_KEY.encode()


def ledger_keys() -> list[bytes]:
    """Return the current key, then the older ones."""
    return [ledger_key(), *(key.encode() for key in conf.LEDGER_KEY_FALLBACKS)]


def seal(row: Any, *, number: int = 0) -> None:
    """Write the proof of a new, unsaved row: a seal for each field in its `SEALED`."""
    proof = {FORM: PRESENT_FORM, NONCE: secrets.token_hex(8), NUMBER: number}
    owner, key = _owner(row, proof), ledger_key()
    seals = seals_of(facts_of(row), owner=owner, key=key)
    row.proof = canonical.text_of({**proof, SEALED: _seal_of_names(seals, owner, key), **seals})


def reseal(row: Any, *names: str) -> None:
    """Renew the seals of these fields only, so that tampering with others stays detectable."""
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
    """Return the sealed fields that differ from their seals, or all if there is no proof."""
    proof, facts = _parts(row), facts_of(row)
    if not proof:
        return list(facts)
    owner = _owner(row, proof)
    found = differing(facts, _seals(proof), owner=owner, keys=ledger_keys())
    return found or _unnamed(facts, proof, owner)


def number_of(row: Any) -> int:
    """Return the row's number among the rows counted with it, or 0 if it has none."""
    return int(_parts(row).get(NUMBER, 0))


def nonce_of(row: Any) -> str:
    """Return the proof's nonce, or "" without a proof; rows that share a nonce are copies."""
    return str(_parts(row).get(NONCE, ""))


def facts_of(row: Any) -> dict[str, Any]:
    """Return the values of the fields that the row's proof covers."""
    meta, names = row._meta, _covered(row)  # noqa: SLF001 (Django documents it)
    if has_first_form(row):
        names = [name for name in names if name not in LATER]
    return {name: getattr(row, meta.get_field(name).attname) for name in names}


def has_first_form(row: Any) -> bool:
    """Return True if the row's proof predates the fields in `LATER` and the counts of rows."""
    return bool(_parts(row)) and FORM not in _parts(row)


def proof_field() -> "models.TextField[str, str]":
    help_text = "Proofs of the row's fields, made with LEDGER_KEY; empty in rows that have none."
    return models.TextField(blank=True, default="", db_default="", help_text=help_text)


def _covered(row: Any) -> Sequence[str]:
    names: Sequence[str] = getattr(row, "sealed_fields", row.SEALED)
    return names


def _parts(row: Any) -> dict[str, Any]:
    """Return the content of a row's proof, or {} if no version of this code can have written it."""
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
    """Return fields emptied together with their seals, or ["proof"] if that can't be determined."""
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
