"""The context of a procedure; each call looks for its result in the journal before it does work."""

import random
import uuid
from collections.abc import Callable, Coroutine, Iterable, Mapping
from datetime import datetime
from types import FunctionType
from typing import Any, NoReturn, TypeVar, Unpack, get_args, overload

from procedures.engine.agent_api import Checkpoints
from procedures.engine.declaration.arguments import (
    NO_FUNCTION,
    Call,
    call_of,
    check_callable,
    check_fits,
    check_options,
    needs_function,
    usual_options,
)
from procedures.engine.declaration.bound import Bound, bind_with_copies
from procedures.engine.declaration.definition import Procedure
from procedures.engine.declaration.signatures import signature_of
from procedures.engine.declaration.steps import PLAIN, StepOptions
from procedures.engine.errors import ContinueAsNew
from procedures.engine.execution.approvals import approved
from procedures.engine.execution.steps import do_step
from procedures.engine.execution.watch import TimeSlice
from procedures.engine.journal.events import EventKind, NewEvent
from procedures.engine.kinds.responses import Response
from procedures.engine.replay.fiber import Fiber, checked_name
from procedures.engine.replay.history import checked_key
from procedures.engine.values.options import (
    check_kind,
    check_word,
    with_options,
)
from procedures.engine.verbs.agent_names import AgentVerbs
from procedures.engine.verbs.asking import AskingVerbs
from procedures.engine.verbs.telling import TellingVerbs
from procedures.engine.verbs.waiting import WaitingVerbs
from procedures.engine.waits import branches
from procedures.engine.waits.children import OnFailure, OnParentEnd, start_child, start_map
from procedures.engine.waits.handles import Handle
from procedures.engine.waits.later import Later
from procedures.engine.waits.sending import send_signal

T = TypeVar("T")
STEP_ONLY = ("approved_by",)
"""The options of `ctx.step` that the other methods that run a step don't have."""
NO_NAMES: Mapping[str, Any] = {}


class Context(AskingVerbs, WaitingVerbs, TellingVerbs, AgentVerbs):
    """The object that every procedure and every branch gets as its first argument."""

    def __init__(self, fiber: Fiber, procedure: Procedure) -> None:
        self._fiber, self._procedure = fiber, procedure
        self._checkpoints = Checkpoints(fiber)
        self._patches: dict[str, bool] = {}
        self.run_id = fiber.journal.run.run_id
        self.started_by: str = fiber.recorder.first.content["by"]
        """The name of the user who started the run, or "system".

        A request is assigned to that user with `assign=f"@{ctx.started_by}"`.
        """
        self.later = Later(fiber)
        """The methods that ask people, in a form that returns a handle instead of waiting."""

    # Steps

    @overload
    def step(
        self,
        fn: Bound[T],
        /,
        *,
        approved_by: Response[bool] | None = ...,
        **options: Unpack[StepOptions],
    ) -> T: ...
    @overload
    def step(
        self,
        fn: Callable[..., Coroutine[Any, Any, T]],
        /,
        *args: Any,
        approved_by: Response[bool] | None = ...,
        **named: Any,
    ) -> T: ...
    @overload
    def step(
        self,
        fn: Callable[..., T],
        /,
        *args: Any,
        approved_by: Response[bool] | None = ...,
        **named: Any,
    ) -> T: ...
    @needs_function
    def step(
        self,
        fn: Callable[..., Any] | Bound[Any] = NO_FUNCTION,
        /,
        *args: Any,
        approved_by: Response[bool] | None = None,
        **named: Any,
    ) -> Any:
        """Run `fn(*args, **named)` and store its result; a replay returns the stored result.

        The result is the value that `fn` returned, converted to JSON and back to the annotated
        type. An exception is retried according to `retry`. A parameter annotated `Step` gets the
        attempt and its idempotency key; an `async def` function is run until it ends.

        `named` holds the arguments of `fn` and the options of a step:
        `name, retry, timeout, transaction, pure, once, strict, shown`. If `fn` has a parameter with
        one of these names, pass that argument by position or with `functools.partial`.
        `approved_by` is the response to the approval in which this step was shown; if the step
        differs from the one that was shown, people are asked again.

        Raises `StepFailedError` after the last attempt has failed, `EvidenceError` for a step that
        can't be shown in full, and `NotApprovedError` for a step that wasn't approved.
        """
        fiber = self._fiber
        fiber.check_usable()
        if isinstance(fn, FunctionType) and approved_by is None:  # quickly, as most steps are
            options = usual_options(named, signature_of(fn)) if named else PLAIN
            if options:
                return do_step(fiber, fn, args, NO_NAMES, options)
        if isinstance(fn, Bound):
            check_options(named, args, also=STEP_ONLY)
            bound = fn.with_options(named) if named else fn
        elif approved_by is not None:
            bound = bind_with_copies(_step_of(fn, args, named))
        else:
            return do_step(fiber, *_step_of(fn, args, named))
        if approved_by is not None:
            bound = approved(fiber, bound, approved_by)
        return do_step(fiber, bound.fn, bound.args, bound.kwargs, bound.options, bound=bound)

    @with_options("ctx.bind")
    def bind(self, fn: Callable[..., T], /, *args: Any, **named: Any) -> Bound[T]:
        """Return a step with copies of its arguments, to be shown, approved and then run.

        People are shown each argument by the name of its parameter, defaults included. The options
        are those of `step`.

        Raises `EvidenceError` for anything that can't be shown in full: lambdas, nested functions,
        methods of objects, iterators, secrets, and objects whose JSON leaves something out.
        """
        bound = bind_with_copies(call_of(check_callable(fn, "ctx.bind"), args, named))
        checked_name(bound.name, "ctx.bind", kind="step name")
        return bound

    @with_options("ctx.compensate")
    def compensate(
        self, fn: Callable[..., object] | Bound[Any], /, *args: Any, **named: Any
    ) -> None:
        """Register a step that undoes work if the run fails or is cancelled.

        The step that was registered last runs first. Arguments and options are those of `step`.
        Raises `OptionError` for arguments that `fn` doesn't take.
        """
        if isinstance(fn, Bound):
            check_options(named, args)
            bound = fn.with_options(named)
        else:
            bound = Bound(*call_of(check_callable(fn, "ctx.compensate"), args, named))
            check_fits(bound.fn, bound.args, bound.kwargs)
        checked_name(bound.name, "ctx.compensate", kind="step name")
        content, after = {"step": bound.name}, self._fiber.scope.last
        key = self._fiber.note(EventKind.COMPENSATION, bound.name, content, about=after)
        recorder = self._fiber.recorder
        if key not in recorder.history.left_to_origin:
            recorder.to_undo.append(bound)

    # Other runs, and branches of this one

    @with_options("ctx.call")
    def call(
        self, procedure: Procedure | str, /, *, on_parent_end: OnParentEnd = "cancel", **inputs: Any
    ) -> Any:
        """Start a child run, wait for its end and return its result.

        Raises `InputError` for inputs that don't fit the procedure's signature, and
        `ChildFailedError` if the child ends without a result.
        """
        return self.spawn(procedure, on_parent_end=on_parent_end, **inputs).wait()

    @with_options("ctx.spawn")
    def spawn(
        self, procedure: Procedure | str, /, *, on_parent_end: OnParentEnd = "cancel", **inputs: Any
    ) -> Handle[Any]:
        """Start a child run and return a handle that closes when the child ends.

        `procedure` is a procedure, or the name of one of the site's procedures. Raises
        `DefinitionError` for an unknown name.

        If this run ends before the child, in any way, the child is cancelled with
        `on_parent_end="cancel"`, and continues with `on_parent_end="abandon"`. Raises `InputError`
        for inputs that don't fit the procedure's signature. The handle's `wait()` raises
        `ChildFailedError` if the child ends without a result.
        """
        return start_child(self._fiber, procedure, inputs, on_parent_end=on_parent_end)

    @with_options("ctx.map")
    def map(
        self,
        procedure: Procedure,
        inputs: Iterable[Mapping[str, Any]],
        *,
        at_most: int = 10,
        on_failure: OnFailure = "fail_fast",
        on_parent_end: OnParentEnd = "cancel",
    ) -> list[Any]:
        """Start a child run for each of the inputs and return their results in the same order.

        `at_most` is the number of children that run at the same time, 10 by default. With
        `on_failure="fail_fast"`, the first `ChildFailedError` is raised and the other children are
        cancelled. With "collect", the results contain each error in place of a result.
        `on_parent_end` is described at `spawn`. Raises `InputError` for inputs that don't fit the
        procedure's signature.
        """
        check_word("on_failure= of ctx.map", on_failure, get_args(OnFailure))
        handle = start_map(
            self._fiber,
            procedure,
            inputs,
            at_most=at_most,
            on_failure=on_failure,
            on_parent_end=on_parent_end,
        )
        return handle.wait()

    @with_options("ctx.gather")
    def gather(
        self, *branch: Callable[["Context"], Any], on_failure: OnFailure = "fail_fast"
    ) -> list[Any]:
        """Run functions as branches, each with its own context; return their results in order.

        A question in one branch makes only that branch wait. Each branch has its own copy of
        `state`; the changes are merged in the order of the branches. With `on_failure="fail_fast"`,
        the first `BranchFailedError` is raised and the open waits of the other branches are
        withdrawn. With "collect", the results contain each error in place of a result.

        Raises `StateConflictError` if branches changed `state` in conflicting ways.
        """
        check_word("on_failure= of ctx.gather", on_failure, get_args(OnFailure))
        named = [(branches.name_of(fn), self._branch(fn)) for fn in branch]
        return branches.gather(self._fiber, named, on_failure=on_failure)

    def _branch(self, fn: Callable[["Context"], Any]) -> branches.Branch:
        return lambda fiber: fn(Context(fiber, self._procedure))

    @property
    def parent_id(self) -> str | None:
        """The id of the run that started this run as its child; None if no run did."""
        return self._fiber.journal.parent_id

    @with_options("ctx.send")
    def send(
        self,
        run: Handle[Any] | str,
        signal: str,
        value: Any = None,
        *,
        id: str = "",  # noqa: A002
        error: str = "",
    ) -> None:
        """Send a signal to another run exactly once; `run` is the handle or the id of that run.

        If two signals have the same `id`, the receiver ignores the second one; by default, each
        call gets its own id. `value` is any JSON. With a string as `error`, the waiting run raises
        a `SignalError` instead of getting a value. A run that has ended ignores the signal.

        Raises `UnreachableRunError` unless the other run is a child, the parent, or a run to which
        the person who started this run may send signals. Raises `SizeError` for a value that is too
        large.
        """
        to = run.run_id if isinstance(run, Handle) else run
        check_kind("run of ctx.send", to, str, "the handle or the id of a run")
        send_signal(self._fiber, str(to), signal, value, id=id, error=error)

    def continue_as_new(self, **inputs: Any) -> NoReturn:
        """Restart this run from the top with other inputs; its earlier events aren't read again.

        Values that the run still needs must be passed as inputs; an input that is left out gets its
        default. `ctx.state` starts empty, and compensations that were registered before no longer
        run. Open waits are withdrawn, and children are cancelled unless they were started with
        `on_parent_end="abandon"`. The run can still read messages and signals that arrived before
        and that it hasn't read.

        Raises `InputError` for inputs that don't fit the signature.
        """
        self._fiber.check_usable()
        text = self._procedure.dump(self._procedure.parse(inputs))
        self._fiber.check_wanted("continue_as_new")
        self._fiber.check_time()
        self._fiber.interrupt(ContinueAsNew(text))

    # Time, random values and changes of the code, the same on every replay

    @with_options("ctx.now")
    def now(self) -> datetime:
        """Return the time of the last stored step or wait before this call.

        A replay returns the same time at the same place.
        """
        self._fiber.check_usable()
        return self._fiber.now

    @property
    def random(self) -> random.Random:
        """A generator that draws the same numbers on every replay."""
        self._fiber.check_usable()
        return self._fiber.random

    @with_options("ctx.uuid")
    def uuid(self) -> uuid.UUID:
        """Return a UUID that looks random; a replay returns the same UUID."""
        self._fiber.check_usable()
        return self._fiber.uuid()

    @with_options("ctx.watch")
    def watch(self, seconds: float) -> TimeSlice:
        """Return a watch that stops code which computes for too long between calls of the context.

        Use a watch around interpreters of other languages, because programs in these languages may
        contain endless loops. `seconds` is processor time, a number above 0. Raises `OptionError`
        for other values.
        """
        return TimeSlice(self._fiber, seconds)

    @with_options("ctx.patched")
    def patched(self, name: str) -> bool:
        """Return True if this run must execute the new code, False if it must execute the old code.

        A run executes the old code if it had passed this place before the code was changed. `name`
        identifies the change; "Changing code" in the documentation shows an example. Raises
        `QuestionError` for an invalid name.
        """
        self._fiber.check_usable()
        checked_name(name, "ctx.patched")
        if name not in self._patches:
            self._patches[name] = self._is_patched(f"{self._fiber.scope.path}patch:{name}")
        return self._patches[name]

    def _is_patched(self, key: str) -> bool:
        scope, name = self._fiber.scope, checked_name(key.rpartition(":")[2])
        if scope.peek("patch", key) is None and scope.has_unread():
            return False
        if self._fiber.take("patch", checked_key(key)) is None:
            self._fiber.check_going_on(key)
            self._fiber.add(NewEvent(EventKind.PATCH, key, name))
        return True


def _step_of(fn: Callable[..., Any], args: tuple[Any, ...], named: Mapping[str, Any]) -> Call:
    return call_of(check_callable(fn, "ctx.step"), args, named, also=STEP_ONLY)
