"""Comparison of a step's arguments with the arguments of its stored result."""

from collections.abc import Callable, Mapping
from typing import Any

from procedures.engine.declaration.arguments import NO_ARGUMENTS, digest_of_all
from procedures.engine.declaration.signatures import spoken_name
from procedures.engine.errors import EvidenceError
from procedures.engine.journal.events import EventKind
from procedures.engine.replay.fiber import Fiber
from procedures.engine.replay.history import Entry
from procedures.engine.values import canonical
from procedures.engine.values.exact import exact


def compare_arguments(
    fiber: Fiber,
    entry: Entry,
    content: Mapping[str, Any],
    now: str,
    args: tuple[Any, ...],
    *,
    is_strict: bool,
) -> None:
    """Log one warning if the arguments of a step have changed since its result was stored.

    With `is_strict`, a difference interrupts the run with a `Mismatch` instead. Digests that older
    versions of the engine stored didn't include default values, so the arguments are also compared
    without default values.
    """
    before, key = content.get("arguments", ""), entry.key
    if before == now or not before or entry.is_accepted:
        return
    if before == (digest_of_all(args) if args else NO_ARGUMENTS):
        return
    words = f"The arguments of the step {key} have changed since its result was stored."
    if is_strict:
        fiber.interrupt(fiber.scope.mismatch(words, changed=key))
    fiber.note(EventKind.LOG, words, {"text": words, "level": "warning"}, about=key)


def check_comparable(
    fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> None:
    """Raise `EvidenceError` if the JSON of an argument of a strict step leaves something out.

    A later change of what is left out would not be noticed.
    """
    for place, value in (*enumerate(args, start=1), *kwargs.items()):
        try:
            canonical.text_of(exact(value, f"Argument {place}"))
        except (ValueError, RecursionError) as error:
            words = f"The arguments of the strict step {spoken_name(fn)} can't all be compared."
            raise EvidenceError(f"{words} {error}") from None
