"""Large values: kept beside the journal under their digest, so that it stays quick to read."""

from collections.abc import Mapping, Sequence
from typing import Any

from procedures.engine import canonical
from procedures.engine.files import file_store
from procedures.engine.journal import Event, EventKind

ELSEWHERE = "_elsewhere"
"""After a name: where an event says where that value of it lies, its digest."""
DEPTH = "{}_depth"
"""The name under which an event says how many blocks lie inside each other above a list."""
BLOCK = 100


def packed(name: str, plain: Any) -> dict[str, Any]:
    """A value as a part of an event: itself, or where it lies when it is large."""
    if plain is None:
        return {name: None}
    store = file_store()
    if store is None:
        return {name: plain}
    text = canonical.text_of(plain)
    if len(text) <= store.largest_inline:
        return {name: plain}
    return {name: None, name + ELSEWHERE: store.put(text.encode())}


def unpacked(content: Mapping[str, Any], name: str) -> Any:
    """The value that was packed."""
    if name + ELSEWHERE not in content:
        return content[name]
    digest, store = content[name + ELSEWHERE], file_store()
    if store is None:
        return content[name]
    return canonical.value_of(store.get(digest).decode())


def inputs_of(first: Event, started_with: str) -> str:
    """The inputs of the generation of a run that begins with that event, as canonical JSON."""
    is_anew = first.kind == EventKind.RUN_CONTINUED
    return str(unpacked(first.content, "inputs")) if is_anew else started_with


def packed_list(name: str, values: Sequence[Any]) -> dict[str, Any]:
    """A list as a part of an event: a long one in blocks beside it, and these in blocks again."""
    store, depth = file_store(), 0
    while store and len(values) > BLOCK:
        blocks = [values[at : at + BLOCK] for at in range(0, len(values), BLOCK)]
        values = [store.put(canonical.text_of(block).encode()) for block in blocks]
        depth += 1
    return packed(name, values) | ({DEPTH.format(name): depth} if depth else {})


def part_of(content: Mapping[str, Any], name: str, start: int, stop: int) -> list[Any]:
    """These of the values of a list that was packed: only the blocks that hold them are read."""
    return _part(unpacked(content, name), content.get(DEPTH.format(name), 0), start, stop)


def _part(values: Sequence[Any], depth: int, start: int, stop: int) -> list[Any]:
    store = file_store()
    if depth == 0 or store is None:
        return list(values[start:stop])
    size, found = BLOCK**depth, []
    for number in range(start // size, -(-stop // size)):
        block = canonical.value_of(store.get(values[number]).decode())
        first = number * size
        found += _part(block, depth - 1, max(start - first, 0), min(stop - first, size))
    return found
