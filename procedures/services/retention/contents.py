"""The contents of files that removed runs have used, deleted once nothing uses them any more."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from procedures import hooks
from procedures.among import is_among
from procedures.engine.errors import FileGoneError
from procedures.engine.journal.large import DEPTH, ELSEWHERE, place_of, unpacked
from procedures.engine.values import canonical
from procedures.files import ContentStore, delete_content, use_contents
from procedures.inlined import Inlined
from procedures.models import Artifact, Event, Run, RunInput, StaleContent
from procedures.models.clock import clock
from procedures.models.event import NAMES_CONTENTS
from procedures.models.run import HAS_LARGE_VALUES
from procedures.transactions import service_atomic

logger = logging.getLogger(__name__)
UNUSED_FOR = timedelta(days=1)
"""The time for which nobody may have used a content's bytes before the content is deleted.

It is longer than any run takes from storing a content to the commit that refers to it.
"""
MOST_AT_ONCE = 10_000
READ_AT_ONCE = 500


def contents_of(runs: Sequence[UUID]) -> set[str]:
    """Return the digests of the contents that the rows and events of these runs use."""
    mine = is_among("run", runs)
    found = set(Artifact.objects.filter(mine).order_by().values_list("digest", flat=True))
    found.update(_of_rows(Run.objects.filter(is_among("pk", runs))))
    for rows in (Event.objects.filter(mine), RunInput.objects.filter(mine)):
        found.update(_of_data(rows))
    return found


def note_unused(digests: Iterable[str]) -> None:
    """Note contents that the transaction's runs have used, so that they are deleted later."""
    now = clock.now()
    StaleContent.objects.bulk_create(
        [StaleContent(digest=one, at=now) for one in sorted(digests)],
        update_conflicts=True,
        unique_fields=["digest"],
        update_fields=["at"],
    )


def delete_unused() -> int:
    """Delete the noted contents that nothing has used for a day; return how many rows are done.

    Calling it twice, or twice at once, is harmless. If the process dies, the next call continues.
    """
    rows = StaleContent.objects.filter(at__lte=clock.now() - UNUSED_FOR).order_by("at")
    due = list(rows.values_list("digest", flat=True)[:MOST_AT_ONCE])
    if not due:
        return 0
    # The journals are read before the locks, because that may take long. What begins to use a
    # content meanwhile sets the time of its row anew.
    used = _used_among(set(due))
    for digest in due:
        _delete(digest, is_used=digest in used)
    return len(due)


@service_atomic
def _delete(digest: str, *, is_used: bool) -> None:
    """Delete the row of a content and, if the content isn't used, the content itself.

    The row stays locked until the content is deleted. Whoever stores the same bytes waits for that,
    and then finds that the content is gone.
    """
    old = StaleContent.objects.select_for_update().filter(digest=digest)
    if found := old.filter(at__lte=clock.now() - UNUSED_FOR).first():
        if not is_used:
            delete_content(digest)
        found.delete()


def _used_among(digests: set[str]) -> set[str]:
    """Return those of the digests that any row or event uses.

    This reads all events that name contents, so it is called once for many digests.
    """
    own = Artifact.objects.filter(is_among("digest", digests)).order_by()
    used = set(own.values_list("digest", flat=True))
    for found in _all_contents():
        if digests <= used:
            break
        if found in digests:
            used.add(found)
    return used


def _all_contents() -> Iterator[str]:
    for look in hooks.content_users:
        yield from look()
    yield from _of_rows(Run.objects.all())
    for rows in (Event.objects.all(), RunInput.objects.all()):
        yield from _of_data(rows)


def _of_rows(rows: Any) -> Iterator[str]:
    """Yield the digests of runs' large inputs and results."""
    for cells in _read(with_large_values(rows), "inputs", "result"):
        yield from (place.digest for place in map(place_of, cells) if place)


def _of_data(rows: Any) -> Iterator[str]:
    """Yield the digests that the data of `Event` or `RunInput` rows names."""
    for (data,) in _read(naming_contents(rows), "data"):
        with use_contents():
            yield from _named_in(canonical.plain(data))


def with_large_values(rows: Any) -> Any:
    """Return the runs whose inputs or result are in the file store, which an index finds."""
    return rows.filter(Inlined(HAS_LARGE_VALUES))


def naming_contents(rows: Any) -> Any:
    """Return the `Event` or `RunInput` rows that name stored contents, which an index finds."""
    return rows.filter(Inlined(NAMES_CONTENTS))


def _read(rows: Any, *names: str) -> Iterator[tuple[Any, ...]]:
    """Yield these fields of each row, with only some of the rows in memory at a time."""
    found = rows.order_by("pk").values_list("pk", *names)
    part = list(found[:READ_AT_ONCE])
    while part:
        for _key, *cells in part:
            yield tuple(cells)
        is_last = len(part) < READ_AT_ONCE
        part = [] if is_last else list(found.filter(pk__gt=part[-1][0])[:READ_AT_ONCE])


def _named_in(content: Mapping[str, Any]) -> Iterator[str]:
    for name, value in content.items():
        if name.endswith(ELSEWHERE) and isinstance(value, str):
            yield value
        depth = content.get(DEPTH.format(name))
        if isinstance(depth, int):
            yield from _blocks(lambda name=name: unpacked(content, name), depth)


def _blocks(read: Any, depth: int) -> Iterator[str]:
    """Yield the digests of the blocks in which a long list is stored, at each level."""
    try:
        digests = read()
    except FileGoneError as error:
        logger.warning(
            "A stored list is missing, so the files that it names aren't known: %s", error
        )
        return
    for digest in digests:
        yield digest
        if depth > 1:
            yield from _blocks(lambda digest=digest: _list_in(digest), depth - 1)


def _list_in(digest: str) -> Any:
    return canonical.value_of(ContentStore().get(digest).decode())
