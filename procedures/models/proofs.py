"""Rows that no event describes in full prove themselves: each field with a seal of its own."""

import secrets
from typing import Any

from django.conf import settings
from django.db import models

from procedures.engine import canonical
from procedures.engine.seals import differing, seals_of

NONCE = "nonce"
"""The name, in a proof, of what tells the row from others: no seal fits another row."""


def ledger_key() -> bytes:
    return settings.LEDGER_KEY.encode()


def ledger_keys() -> list[bytes]:
    """Return the present key, then the older ones."""
    return [ledger_key(), *(key.encode() for key in settings.LEDGER_KEY_FALLBACKS)]


def seal(row: Any) -> None:
    """Write the proof of a row that is to be saved: of the fields in its `SEALED`."""
    nonce = secrets.token_hex(8)
    seals = seals_of(facts_of(row), owner=_owner(row, nonce), key=ledger_key())
    row.proof = canonical.text_of({NONCE: nonce, **seals})


def unproven(row: Any) -> list[str]:
    """Return the sealed fields that are not as they were written; all, where the proof is none."""
    try:
        kept: Any = canonical.plain(row.proof)
    except ValueError:
        return list(row.SEALED)
    nonce = kept.pop(NONCE, "") if isinstance(kept, dict) else ""
    if not nonce:
        return list(row.SEALED)
    return differing(facts_of(row), kept, owner=_owner(row, nonce), keys=ledger_keys())


def facts_of(row: Any) -> dict[str, Any]:
    meta = row._meta  # noqa: SLF001 (Django documents it)
    return {name: getattr(row, meta.get_field(name).attname) for name in row.SEALED}


def _owner(row: models.Model, nonce: str) -> str:
    return f"{row._meta.db_table} {nonce}"  # noqa: SLF001 (Django documents it)


def proof_field() -> "models.TextField[str, str]":
    help_text = (
        "Seals of the row's fields, under LEDGER_KEY; none in rows that are older than these."
    )
    return models.TextField(blank=True, default="", db_default="", help_text=help_text)
