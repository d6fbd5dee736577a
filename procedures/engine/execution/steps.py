"""Steps that the code calls: a call returns the stored result, or else attempts the step."""

from collections.abc import Callable, Mapping
from typing import Any

from procedures.engine.declaration.arguments import NO_ARGUMENTS, digest_of
from procedures.engine.declaration.bound import Bound
from procedures.engine.declaration.signatures import name_of, signature_of
from procedures.engine.declaration.steps import Options
from procedures.engine.execution.attempts import StepExecution
from procedures.engine.execution.comparison import check_comparable, compare_arguments
from procedures.engine.journal.events import EventKind
from procedures.engine.journal.large import ELSEWHERE, unpacked
from procedures.engine.journal.payloads import NOT_KEPT
from procedures.engine.replay.fiber import Fiber, checked_name
from procedures.engine.replay.history import Entry
from procedures.engine.values.canonical import value_of

IS_AWAY = f"result{ELSEWHERE}"
"""The key of a result that is stored outside the journal."""
DONE = EventKind.STEP_SUCCEEDED.value  # a member of an enumeration takes longer to look up


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
    # A replay gets here for each step, so a step that is done costs as few calls as possible.
    signature = signature_of(fn)
    name = signature.name
    if options.name or not name:
        name = checked_name(options.name or name_of(fn), kind="step name")
    key = fiber.scope.key_for(name)
    entry = fiber.take("step", key)
    if entry is None:
        return _do(StepExecution(fiber, fn, args, kwargs, options, signature, key, bound))
    last, is_bare = entry.events[-1], not (args or kwargs or signature.has_defaults)
    now = NO_ARGUMENTS if is_bare else digest_of(fn, args, kwargs, signature)
    content = value_of(last.data)
    if content.get("arguments") != now:
        compare_arguments(fiber, entry, content, now, args, is_strict=options.strict)
    is_done = last.kind == DONE and NOT_KEPT not in content
    if not is_done or len(entry.events) > 1:
        _pass_by_all(fiber, entry, content)
    elif "pure" not in content:
        fiber.pass_by(last)
    if is_done:
        result = unpacked(content, "result") if IS_AWAY in content else content["result"]
        return fiber.restored(entry, result, signature.returns)
    step = StepExecution(fiber, fn, args, kwargs, options, signature, key, bound)
    return step.go_on(entry, content)


def _do(step: StepExecution) -> Any:
    """Execute a new step and return its result."""
    if step.options.strict:
        check_comparable(step.fn, step.args, step.kwargs)
    step.fiber.take_step(step.key)
    return step.do(failures=0)


def _pass_by_all(fiber: Fiber, entry: Entry, content: Mapping[str, Any]) -> None:
    """Set the fiber's time to that of the step's events, and skip the questions about its outcome.

    The event of a pure step doesn't count, because it was stored later than the step was done.
    """
    for event in entry.events if "pure" not in content else entry.events[:-1]:
        fiber.pass_by(event)
    fiber.scope.forget(entry.key)
