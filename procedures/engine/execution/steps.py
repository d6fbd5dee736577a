"""Steps that the code calls: a call returns the stored result, or else attempts the step."""

from collections.abc import Callable, Mapping
from typing import Any

from procedures.engine.declaration.arguments import digest_of
from procedures.engine.declaration.bound import Bound
from procedures.engine.declaration.signatures import name_of, signature_of
from procedures.engine.declaration.steps import Options
from procedures.engine.execution.attempts import StepExecution
from procedures.engine.execution.comparison import check_comparable, compare_arguments
from procedures.engine.journal.events import EventKind
from procedures.engine.journal.large import unpacked
from procedures.engine.journal.payloads import NOT_KEPT
from procedures.engine.replay.fiber import Fiber, checked_name
from procedures.engine.values import canonical


def do_step(
    fiber: Fiber,
    fn: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    options: Options,
    *,
    bound: Bound[Any] | None = None,
) -> Any:
    """Return the step's stored result, or run the step now.

    Raises `StepFailedError` if the step has failed for good. `bound` gives each attempt its own
    copy of the arguments.
    """
    signature = signature_of(fn)
    name = options.name or signature.name or name_of(fn)
    key = fiber.scope.key_for(checked_name(name, kind="step name"))
    entry = fiber.take("step", key)
    if entry is None:
        if options.strict:
            check_comparable(fn, args, kwargs)
        fiber.take_step(key)
        return StepExecution(fiber, fn, args, kwargs, options, signature, key, bound).do(failures=0)
    # A replay gets here for each step, so a step that is done costs no further calls.
    events = entry.events
    last, now = events[-1], digest_of(fn, args, kwargs, signature)
    content = canonical.plain(last.data)
    is_done = last.kind == EventKind.STEP_SUCCEEDED and NOT_KEPT not in content
    if content.get("arguments") != now:
        compare_arguments(fiber, entry, content, now, args, is_strict=options.strict)
    for event in events if "pure" not in content else events[:-1]:
        fiber.pass_by(event)  # a pure step's event was stored later than the step was done
    if len(events) > 1 or not is_done:
        # The questions that were asked while the step's outcome was unknown.
        fiber.scope.forget(key)
    if is_done:
        return fiber.restored(entry, unpacked(content, "result"), signature.returns)
    return StepExecution(fiber, fn, args, kwargs, options, signature, key, bound).go_on(
        entry, content
    )
