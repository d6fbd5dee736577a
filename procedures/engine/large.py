"""Large values: kept beside the journal under their digest, so that it stays quick to read."""

from collections.abc import Mapping
from typing import Any

from procedures.engine import canonical
from procedures.engine.files import file_store

ELSEWHERE = "{}_elsewhere"
"""The name under which an event says where a value of it lies: its digest."""


def packed(name: str, plain: Any) -> dict[str, Any]:
    """A value as a part of an event: itself, or where it lies when it is large."""
    store, text = file_store(), canonical.text_of(plain)
    if store is None or len(text) <= store.largest_inline:
        return {name: plain}
    return {name: None, ELSEWHERE.format(name): store.put(text.encode())}


def unpacked(content: Mapping[str, Any], name: str) -> Any:
    """The value that was packed."""
    digest = content.get(ELSEWHERE.format(name))
    store = file_store()
    if digest is None or store is None:
        return content[name]
    return canonical.value_of(store.get(digest).decode())
