"""Large values, which are stored outside the journal so that the journal stays quick to read."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from procedures.engine.journal.events import Event, EventKind
from procedures.engine.values import canonical
from procedures.engine.values.files import file_store

ELSEWHERE = "_elsewhere"
"""The suffix of a field's name if the event holds only the digest of the field's value.

For example, the field "value_elsewhere" holds the digest of a large value.
"""
DEPTH = "{}_depth"
"""The name of the field that holds the number of levels of blocks in a stored list."""
BLOCK = 100


LIES = re.compile(r"sha256:([0-9a-f]{64}) ([0-9]+)")


class LargeTextRef(NamedTuple):
    """The digest and size of a large text that a row refers to but doesn't contain."""

    digest: str
    size: int
    """The size in bytes."""


def put_aside(text: str) -> str:
    """Return what a row stores for a canonical JSON text.

    A large text is put into the file store, and the row stores "sha256:DIGEST SIZE", for example
    "sha256:9f86… 70000". No JSON text begins with "sha256:", so the two can't be confused. A text
    that isn't large is stored in the row itself, and so is every text if there is no file store.
    """
    store = file_store()
    if store is None or len(text) <= store.largest_inline:
        return text
    raw = text.encode()
    return f"sha256:{store.put(raw)} {len(raw)}"


def place_of(kept: str | None) -> LargeTextRef | None:
    """Return the digest and size of a text in the file store; None if the row has the text."""
    found = LIES.fullmatch(kept or "")
    return LargeTextRef(found[1], int(found[2])) if found else None


def whole(kept: str) -> str:
    """Return the whole text that a row contains or refers to."""
    place, store = place_of(kept), file_store()
    return store.get(place.digest).decode() if place and store else kept


def is_same(kept: str, other: str) -> bool:
    """Return True if two rows store the same text, whether they contain it or refer to it."""
    return kept == other or _digest_of(kept) == _digest_of(other)


def _digest_of(kept: str) -> str:
    place = place_of(kept)
    return place.digest if place else canonical.digest(kept)


def field_from_row(name: str, kept: str | None) -> dict[str, Any]:
    """Return the text of a row as a field of an event.

    If the row holds only the digest of the text, so does the event; the text isn't read from the
    file store.
    """
    if place := place_of(kept):
        return {name: None, name + ELSEWHERE: place.digest}
    return packed(name, None if kept is None else canonical.value_of(kept))


def is_large(length: int) -> bool:
    """Return True if text of that length is stored outside the journal."""
    store = file_store()
    return store is not None and length > store.largest_inline


def packed(name: str, plain: Any, text: str = "") -> dict[str, Any]:
    """Return an event's field for a value; for a large value, the field holds only a digest."""
    if plain is None:
        return {name: None}
    store = file_store()
    if store is None:
        return {name: plain}
    text = text or canonical.text_of(plain)
    if len(text) <= store.largest_inline:
        return {name: plain}
    return {name: None, name + ELSEWHERE: store.put(text.encode())}


def unpacked(content: Mapping[str, Any], name: str) -> Any:
    """Return the value of a field that `packed` has made."""
    if name + ELSEWHERE not in content:
        return content[name]
    digest, store = content[name + ELSEWHERE], file_store()
    if store is None:
        return content[name]
    return canonical.value_of(store.get(digest).decode())


def inputs_of(first: Event, started_with: str) -> str:
    """Return the current inputs of a run, as canonical JSON.

    After `ctx.continue_as_new`, the inputs are in the event `first`, with which the run continued.
    Before that, the inputs are in `started_with`, the field of the run's row.
    """
    is_anew = first.kind == EventKind.RUN_CONTINUED
    return str(unpacked(first.content, "inputs")) if is_anew else whole(started_with)


def packed_list(name: str, values: Sequence[Any]) -> dict[str, Any]:
    """Return a list as a field of an event.

    A long list is divided into blocks of 100 items, which are put into the file store; the field
    holds the digests of the blocks. If there are more than 100 digests, the list of digests is
    divided in the same way.
    """
    store, depth = file_store(), 0
    while store and len(values) > BLOCK:
        blocks = [values[at : at + BLOCK] for at in range(0, len(values), BLOCK)]
        values = [store.put(canonical.text_of(block).encode()) for block in blocks]
        depth += 1
    return packed(name, values) | ({DEPTH.format(name): depth} if depth else {})


def part_of(content: Mapping[str, Any], name: str, start: int, stop: int) -> list[Any]:
    """Return a slice of a list that `packed_list` has stored.

    Only the blocks that contain items of the slice are read.
    """
    return _part(unpacked(content, name), content.get(DEPTH.format(name), 0), start, stop)


def _part(values: Sequence[Any], depth: int, start: int, stop: int) -> list[Any]:
    store = file_store()
    if depth == 0 or store is None:
        return list(values[start:stop])
    size, found = BLOCK**depth, []
    # Round up, because the last block may contain only some of the wanted items.
    for number in range(start // size, -(-stop // size)):
        block = canonical.value_of(store.get(values[number]).decode())
        first = number * size
        found += _part(block, depth - 1, max(start - first, 0), min(stop - first, size))
    return found
