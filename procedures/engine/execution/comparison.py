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
    """Log one warning if a step's arguments differ from those in the journal.

    With `is_strict` a difference is a mismatch instead. Digests stored by older versions didn't
    include default values, so the arguments are also compared without them.
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


def check_seen(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Raise `EvidenceError` if an argument of a strict step can't be compared completely."""
    for place, value in (*enumerate(args, start=1), *kwargs.items()):
        try:
            canonical.text_of(exact(value, f"Argument {place}"))
        except (ValueError, RecursionError) as error:
            words = f"The arguments of the strict step {spoken_name(fn)} can't all be compared."
            raise EvidenceError(f"{words} {error}") from None
