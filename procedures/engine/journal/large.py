"""Large values, which are stored outside the journal so that the journal stays quick to read."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from procedures.engine.journal.events import Event, EventKind
from procedures.engine.values import canonical
from procedures.engine.values.files import file_store

ELSEWHERE = "_elsewhere"
"""The suffix of a field's name if the event holds only the digest of the field's value."""
DEPTH = "{}_depth"
"""The name of the field that holds how deeply the blocks of a stored list are nested."""
BLOCK = 100


LIES = re.compile(r"sha256:([0-9a-f]{64}) ([0-9]+)")


class Place(NamedTuple):
    """The digest and size of a large text that a row refers to but doesn't contain."""

    digest: str
    size: int
    """The size in bytes."""


def put_aside(text: str) -> str:
    """Return what a row stores for a canonical text: "sha256:DIGEST SIZE" if the text is large.

    No JSON begins like that. Other text is stored unchanged, and so is all text if there is no file
    store.
    """
    store = file_store()
    if store is None or len(text) <= store.largest_inline:
        return text
    raw = text.encode()
    return f"sha256:{store.put(raw)} {len(raw)}"


def place_of(kept: str | None) -> Place | None:
    """Return the place of the text that a row refers to, or None if the row contains the text."""
    found = LIES.fullmatch(kept or "")
    return Place(found[1], int(found[2])) if found else None


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


def as_part(name: str, kept: str | None) -> dict[str, Any]:
    """Return a row's text as an event's field, without reading text that is stored elsewhere."""
    if place := place_of(kept):
        return {name: None, name + ELSEWHERE: place.digest}
    return packed(name, None if kept is None else canonical.value_of(kept))


def is_large(length: int) -> bool:
    """Return True if text of that length is stored outside the journal."""
    store = file_store()
    return store is not None and length > store.largest_inline


def packed(name: str, plain: Any, text: str = "") -> dict[str, Any]:
    """Return a value as a field of an event, or the value's digest if it is large."""
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
    """Return the value that `packed` has put into an event."""
    if name + ELSEWHERE not in content:
        return content[name]
    digest, store = content[name + ELSEWHERE], file_store()
    if store is None:
        return content[name]
    return canonical.value_of(store.get(digest).decode())


def inputs_of(first: Event, started_with: str) -> str:
    """Return the inputs of the generation that begins with the event `first`, as canonical JSON."""
    is_anew = first.kind == EventKind.RUN_CONTINUED
    return str(unpacked(first.content, "inputs")) if is_anew else whole(started_with)


def packed_list(name: str, values: Sequence[Any]) -> dict[str, Any]:
    """Return a list as a field of an event.

    A long list is stored in blocks. If there are many blocks, their digests are stored in blocks
    too.
    """
    store, depth = file_store(), 0
    while store and len(values) > BLOCK:
        blocks = [values[at : at + BLOCK] for at in range(0, len(values), BLOCK)]
        values = [store.put(canonical.text_of(block).encode()) for block in blocks]
        depth += 1
    return packed(name, values) | ({DEPTH.format(name): depth} if depth else {})


def part_of(content: Mapping[str, Any], name: str, start: int, stop: int) -> list[Any]:
    """Return a slice of a list from `packed_list`, reading only the blocks that contain it."""
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
