"""Child runs: each is a run of its own on any worker, and its parent may wait for its end."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Literal, get_args

from procedures.engine.declaration.definition import Procedure
from procedures.engine.declaration.known import find_procedure
from procedures.engine.declaration.signatures import signature_of
from procedures.engine.errors import ChildFailedError, DefinitionError, OptionError
from procedures.engine.journal.events import EventKind, NewEvent
from procedures.engine.journal.large import packed, packed_list
from procedures.engine.journal.payloads import Closing, Opening
from procedures.engine.lifecycle.waits import ABANDON, ON_PARENT_END
from procedures.engine.replay.fiber import Fiber
from procedures.engine.replay.history import Entry
from procedures.engine.values.options import check_options, check_word
from procedures.engine.values.spelling import meant, short_repr
from procedures.engine.waits.handles import Handle

OnFailure = Literal["fail_fast", "collect"]
OnParentEnd = Literal["cancel", "abandon"]


def start_child(
    fiber: Fiber,
    procedure: Procedure | str,
    inputs: Mapping[str, Any],
    *,
    on_parent_end: OnParentEnd,
) -> Handle[Any]:
    """Start a child run in the next commit; raise `InputError` if the inputs aren't valid."""
    if isinstance(procedure, str):
        return _start_by_name(fiber, procedure, inputs, on_parent_end=on_parent_end)
    _check(fiber, procedure)
    own = list(procedure.schema.get("properties", {}))
    if ON_PARENT_END in own:
        raise DefinitionError(
            f"The input {ON_PARENT_END} of {procedure.name} has the name of an option of "
            "ctx.spawn. Rename the input."
        )
    for name in inputs:
        if name not in own and ON_PARENT_END in meant(name, [*own, ON_PARENT_END]):
            check_options("ctx.spawn", [name], [ON_PARENT_END])
    on_end = _checked_end("ctx.spawn", on_parent_end)
    key = fiber.scope.key_for(procedure.name)
    given = packed("inputs", procedure.dump(procedure.parse(inputs)))
    asked = Opening(wait="child", procedure=procedure.name, on_parent_end=on_end, rest=given)
    returns = signature_of(procedure.fn).returns
    return _open(fiber, key, asked, partial(_result_of, fiber, key, returns))


def _result_of(fiber: Fiber, key: str, returns: Any, entry: Entry) -> Any:
    closed = Closing.read(entry.last.content)
    if closed.outcome != "succeeded":
        raise ChildFailedError(key, closed.outcome, closed.comment)
    return fiber.restored(entry, closed.whole_value(), returns)


def _start_by_name(
    fiber: Fiber, name: str, inputs: Mapping[str, Any], *, on_parent_end: OnParentEnd
) -> Handle[Any]:
    """Start a child run of the procedure with that name.

    A replay neither looks for the procedure nor checks the inputs. The site may have changed or
    lost the procedure since the child was started, and only the child needs the procedure.
    """
    fiber.check_usable()
    key = fiber.scope.next_key(name)
    if fiber.is_new("child", key):
        return start_child(fiber, find_procedure(name), inputs, on_parent_end=on_parent_end)
    asked = Opening(
        wait="child", procedure=name, on_parent_end=_checked_end("ctx.spawn", on_parent_end)
    )
    return _open(fiber, fiber.scope.key_for(name), asked, partial(_result_of, fiber, key, Any))


def start_map(
    fiber: Fiber,
    procedure: Procedure,
    inputs: Iterable[Mapping[str, Any]],
    *,
    at_most: int,
    on_failure: OnFailure,
    on_parent_end: OnParentEnd,
) -> Handle[list[Any]]:
    """Start a child run for each of the inputs, at most `at_most` of them at a time.

    However many children there are, the parent's journal gets one event and the parent one wait.
    """
    _check(fiber, procedure)
    on_end = _checked_end("ctx.map", on_parent_end)
    _check_at_most(at_most)
    given = _inputs_of_each(inputs)
    key = fiber.scope.key_for(procedure.name)
    texts = [procedure.dump(procedure.parse(one)) for one in given]
    returns = signature_of(procedure.fn).returns
    asked = Opening(
        wait="map",
        procedure=procedure.name,
        count=len(texts),
        at_most=at_most,
        on_failure=on_failure,
        on_parent_end=on_end,
        rest=packed_list("inputs", texts),
    )

    def read(entry: Entry) -> list[Any]:
        ends = Closing.read(entry.last.content).whole_value()
        results = [
            _end(fiber, entry, number, end, returns) for number, end in enumerate(ends, start=1)
        ]
        failed = [one for one in results if isinstance(one, ChildFailedError)]
        if failed and on_failure == "fail_fast":
            raise next((one for one in failed if one.outcome == "failed"), failed[0])
        return results

    return _open(fiber, key, asked, read)


def _check_at_most(at_most: Any) -> None:
    if isinstance(at_most, bool) or not isinstance(at_most, int) or at_most < 1:
        raise OptionError(
            f"at_most= of ctx.map must be a whole number of at least 1, not {short_repr(at_most)}."
        )


def _inputs_of_each(inputs: Any) -> list[Mapping[str, Any]]:
    given = list(inputs) if isinstance(inputs, Iterable) else [inputs]
    if isinstance(inputs, Mapping) or not all(isinstance(one, Mapping) for one in given):
        raise OptionError(
            "ctx.map needs a list with the inputs of each child by name, such as "
            f'[{{"order": "A-7"}}, {{"order": "A-8"}}], not {short_repr(inputs)}.'
        )
    return given


def _open(fiber: Fiber, key: str, asked: Opening, read: Callable[[Entry], Any]) -> Handle[Any]:
    entry = fiber.take("child", key)
    if entry is None:
        fiber.take_children(key, asked.count)
        started = replace(asked, run=fiber.journal.new_id())
        fiber.add(NewEvent(EventKind.CHILD_STARTED, key, asked.procedure, started.as_json()))
    else:
        started = Opening.read(entry.events[0].content)
        _compare(fiber, key, started, asked)
    return Handle(fiber, key, entry, read, opened=started)


def _compare(fiber: Fiber, key: str, started: Opening, asked: Opening) -> None:
    if started.procedure != asked.procedure or started.wait != asked.wait:
        words = f"The child {key} has changed: the run started {started.procedure} here."
        fiber.interrupt(fiber.scope.mismatch(words, changed=key))
    given = asked.as_json()
    given.pop(ON_PARENT_END, None)  # the stored value counts
    kept = started.as_json()
    if any(kept.get(name) != value for name, value in given.items()):
        words = f"The inputs of the child {key} have changed since it was started."
        fiber.note(EventKind.LOG, words, {"text": words, "level": "warning"}, about=key)


def _end(fiber: Fiber, entry: Entry, number: int, end: list[Any], returns: Any) -> Any:
    """Return the result of one child of a map, or a `ChildFailedError` if it has no result."""
    outcome, value, message = end
    if outcome != "succeeded":
        return ChildFailedError(f"{entry.key}[{number}]", outcome, message)
    return fiber.restored(entry, value, returns)


def _checked_end(call: str, on_parent_end: OnParentEnd) -> str:
    """Return `on_parent_end` as the opening event stores it: "abandon", or "" for "cancel"."""
    check_word(f"on_parent_end= of {call}", on_parent_end, get_args(OnParentEnd))
    return ABANDON if on_parent_end == ABANDON else ""


def _check(fiber: Fiber, procedure: Procedure) -> None:
    fiber.check_usable()
    if not isinstance(procedure, Procedure):
        raise DefinitionError(f"A child must be a procedure, not {short_repr(procedure)}.")
