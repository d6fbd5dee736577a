"""The context of a procedure; each call looks for its result in the journal before it does work."""

import random
import uuid
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from types import FunctionType
from typing import Any, Literal, NoReturn, TypeVar, Unpack, get_args, overload

from procedures.engine import agent_api as seed
from procedures.engine.agent_api import Checkpoints, HumanResponse
from procedures.engine.declaration.arguments import (
    NO_FUNCTION,
    Call,
    call_of,
    check_callable,
    check_fits,
    check_options,
    needs_function,
)
from procedures.engine.declaration.bound import Bound, bound_to_be_shown
from procedures.engine.declaration.definition import Procedure
from procedures.engine.declaration.steps import PLAIN, StepOptions
from procedures.engine.errors import Continued
from procedures.engine.execution.approvals import approved
from procedures.engine.execution.attempts import do_step
from procedures.engine.execution.progress import check_progress
from procedures.engine.journal.events import EventKind, NewEvent
from procedures.engine.kinds.questions import RequestOptions, Response
from procedures.engine.replay.fiber import Fiber, checked_name
from procedures.engine.replay.history import checked_key
from procedures.engine.values import canonical
from procedures.engine.values.durations import Duration, check_moment, parse_duration
from procedures.engine.values.options import (
    check_flag,
    check_kind,
    check_text,
    check_word,
    with_options,
)
from procedures.engine.values.state import State
from procedures.engine.waits import branches
from procedures.engine.waits.children import OnFailure, OnParentEnd, start_child, start_map
from procedures.engine.waits.handles import Handle, open_timer, sleep
from procedures.engine.waits.later import Later
from procedures.engine.waits.sending import send_signal
from procedures.engine.waits.sets import as_finished, first_of
from procedures.engine.waits.signals import Received, SignalOptions, open_signal

T = TypeVar("T")
Level = Literal["debug", "info", "warning", "error"]
AlertLevel = Literal["info", "warning", "error", "critical"]
STEP_ONLY = ("approved_by",)
"""The options that `ctx.step` takes besides those in `StepOptions`."""
NO_NAMES: Mapping[str, Any] = {}
LEVELS: tuple[Level, ...] = get_args(Level)
ALERTS: tuple[AlertLevel, ...] = get_args(AlertLevel)


class Context:
    """The first parameter of every procedure and of every branch."""

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
        """The calls that ask people, in a form that doesn't wait; each returns a handle."""

    # Work

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

        The result is the JSON round trip of the value that `fn` returned, in the annotated type. An
        exception is retried according to `retry`. A parameter annotated `Step` gets the attempt and
        its idempotency key; an `async def` function is run until it ends.

        `named` holds the arguments of `fn` and the options of a step: `name, retry, timeout,
        transaction, pure, once, strict`. If `fn` has a parameter with one of these names, pass that
        argument by position or with `functools.partial`. `approved_by` is the response to the
        approval in which this step was shown; if the step differs from the one that was shown,
        people are asked again.

        Raises `StepFailedError` after the last attempt has failed, `EvidenceError` for a step that
        can't be shown in full, and `NotApprovedError` for a step that wasn't approved.
        """
        self._fiber.check_usable()
        if isinstance(fn, Bound):
            check_options(named, args, also=STEP_ONLY)
            bound = fn.with_options(named) if named else fn
        elif approved_by is not None:
            bound = bound_to_be_shown(_step_of(fn, args, named))
        elif named or fn.__class__ is not FunctionType:
            return do_step(self._fiber, *_step_of(fn, args, named))
        else:
            return do_step(self._fiber, fn, args, NO_NAMES, PLAIN)
        if approved_by is not None:
            bound = approved(self._fiber, bound, approved_by)
        return do_step(self._fiber, bound.fn, bound.args, bound.kwargs, bound.options, bound=bound)

    @with_options("ctx.bind")
    def bind(self, fn: Callable[..., T], /, *args: Any, **named: Any) -> Bound[T]:
        """Return a step with copies of its arguments, to be shown, approved and then run.

        People are shown each argument by the name of its parameter, defaults included. The options
        are those of `step`.

        Raises `EvidenceError` for anything that can't be shown in full: lambdas, nested functions,
        methods of objects, iterators, secrets, and objects whose JSON leaves something out.
        """
        bound = bound_to_be_shown(call_of(check_callable(fn, "ctx.bind"), args, named))
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

    # People

    @with_options("ctx.approve", RequestOptions)
    def approve(
        self, prompt: str, *, yes: str = "", no: str = "", **asking: Unpack[RequestOptions]
    ) -> Response[bool]:
        """Ask for a yes or no; the response is true if somebody approved.

        `yes` and `no` are the labels of the two buttons ("Approve" and "Reject" by default).

        Raises `QuestionError` for an invalid question, and `RequestExpiredError` if nobody answers
        in time and `on_timeout` is "fail".
        """
        return self.later.approve(prompt, yes=yes, no=no, **asking).wait()

    @overload
    def ask(self, prompt: str, **asking: Unpack[RequestOptions]) -> Response[str]: ...
    @overload
    def ask(self, prompt: str, hint: type[T], **asking: Unpack[RequestOptions]) -> Response[T]: ...
    @overload
    def ask(self, prompt: str, hint: object, **asking: Unpack[RequestOptions]) -> Response[Any]: ...
    @with_options("ctx.ask", RequestOptions)
    def ask(self, prompt: str, hint: Any = str, **asking: Unpack[RequestOptions]) -> Response[Any]:
        """Ask for a value of the type `hint`: str, int, Decimal, bool or date, also `Annotated`.

        For example, `Annotated[int, Field(ge=1)]` limits the value. Raises `QuestionError` for
        other types, and `RequestExpiredError` if nobody answers in time and `on_timeout` is "fail".
        """
        return self.later.ask(prompt, hint, **asking).wait()

    @overload
    def choose(
        self,
        prompt: str,
        options: Sequence[str] | Mapping[str, str],
        *,
        many: Literal[False] = ...,
        **asking: Unpack[RequestOptions],
    ) -> Response[str]: ...
    @overload
    def choose(
        self,
        prompt: str,
        options: Sequence[str] | Mapping[str, str],
        *,
        many: Literal[True],
        **asking: Unpack[RequestOptions],
    ) -> Response[list[str]]: ...
    @with_options("ctx.choose", RequestOptions)
    def choose(
        self,
        prompt: str,
        options: Sequence[str] | Mapping[str, str],
        *,
        many: bool = False,
        **asking: Unpack[RequestOptions],
    ) -> Response[Any]:
        """Ask for one of the options, or with `many=True` for a list of one or more of them.

        `options` are strings, or a mapping of strings to their labels. Raises `QuestionError` for
        options that people couldn't tell apart, and `RequestExpiredError` if nobody answers in time
        and `on_timeout` is "fail".
        """
        check_flag("many= of ctx.choose", many)
        handle: Handle[Response[Any]] = (
            self.later.choose(prompt, options, many=True, **asking)
            if many
            else self.later.choose(prompt, options, **asking)
        )
        return handle.wait()

    @with_options("ctx.review", RequestOptions)
    def review(
        self,
        prompt: str,
        draft: Any,
        *,
        decisions: Mapping[str, str] | None = None,
        **asking: Unpack[RequestOptions],
    ) -> Response[Any]:
        """Show a draft, text or JSON data, which people may edit, and ask for a decision.

        The response's `value` is the final draft, and its `decision` is the name of the decision.
        The value is "" after a rejection (None for data). `decisions` maps the names of decisions
        to the labels of their buttons, and the first one approves; by default the names are
        "approved" and "rejected".

        Raises `QuestionError` for a draft that is neither text nor JSON data, and
        `RequestExpiredError` if nobody answers in time and `on_timeout` is "fail".
        """
        return self.later.review(prompt, draft, decisions=decisions, **asking).wait()

    @with_options("ctx.form", RequestOptions)
    def form(self, prompt: str, model: type[T], **asking: Unpack[RequestOptions]) -> Response[T]:
        """Ask for several values at once: the fields of a Pydantic model, dataclass or TypedDict.

        The response's value has that type. Raises `QuestionError` for a type with checks that a
        JSON Schema can't express, and `RequestExpiredError` if nobody answers in time and
        `on_timeout` is "fail".
        """
        return self.later.form(prompt, model, **asking).wait()

    @with_options("ctx.escalate", RequestOptions)
    def escalate(self, prompt: str, **asking: Unpack[RequestOptions]) -> Response[str]:
        """Report a problem to the operators; the response's value is text about what they did.

        Raises `QuestionError` for an invalid question, and `RequestExpiredError` if nobody answers
        in time and `on_timeout` is "fail".
        """
        return self.later.escalate(prompt, **asking).wait()

    @with_options("ctx.request")
    def request(self, kind: str, prompt: str, /, *args: Any, **options: Any) -> Response[Any]:
        """Ask a question of the named kind, which may be one of the site's own.

        Takes the options of that kind and those of every question. Raises `OptionError` for an
        unknown kind or option, `QuestionError` for an invalid question, and `RequestExpiredError`
        if nobody answers in time and `on_timeout` is "fail".
        """
        return self.later.request(kind, prompt, *args, **options).wait()

    @with_options("ctx.notify")
    def notify(self, text: str) -> None:
        """Post a message in the run's chat session without waiting; a replay doesn't post it again.

        Raises `OptionError` if `text` isn't a string.
        """
        check_text("The text of ctx.notify", text)
        self._fiber.note(EventKind.NOTICE, text, {"text": canonical.legible(text)})

    @with_options("ctx.alert")
    def alert(self, text: str, level: AlertLevel = "warning") -> None:
        """Post an alert in the run's chat session without waiting; a replay doesn't post it again.

        `level` is "info", "warning", "error" or "critical"; the last two are also mailed to the
        operators. Raises `OptionError` for other levels.
        """
        check_text("The text of ctx.alert", text)
        check_word("level= of ctx.alert", level, ALERTS)
        self._fiber.note(EventKind.NOTICE, text, {"text": canonical.legible(text), "level": level})

    # Several waits

    @with_options("ctx.wait_all")
    def wait_all(self, *handles: Handle[Any]) -> list[Any]:
        """Wait until all handles are closed and return their results, in the order given.

        Raises `QuestionError` if a handle is given twice or belongs to another branch.
        """
        self._fiber.check_usable()
        if not handles:
            return []
        first_of(self._fiber, "wait_all", len(handles), handles)
        return [handle.wait() for handle in handles]

    @with_options("ctx.wait_any")
    def wait_any(self, *handles: Handle[Any], keep_open: bool = False) -> Handle[Any]:
        """Wait until the first handle is closed and return that handle.

        Questions and timers that are still open are withdrawn; with `keep_open=True` they stay open
        until they are closed or the run ends. Raises `QuestionError` if no handle is given, if one
        is given twice, or if one belongs to another branch.
        """
        return first_of(self._fiber, "wait_any", 1, handles, keep_open=keep_open)[0]

    @with_options("ctx.wait_n")
    def wait_n(self, n: int, *handles: Handle[Any], keep_open: bool = False) -> list[Handle[Any]]:
        """Wait until `n` handles are closed and return them, in the order in which they closed.

        `n` is a number from 1 to the number of handles. Handles that are still open are treated as
        by `wait_any`. Raises `QuestionError` for other numbers, if a handle is given twice, or if
        one belongs to another branch.
        """
        return first_of(self._fiber, "wait_n", n, handles, keep_open=keep_open)

    @with_options("ctx.as_finished")
    def as_finished(self, handles: Iterable[Handle[T]]) -> Iterator[Handle[T]]:
        """Yield each handle as soon as it is closed, in the order in which the handles close.

        No handle is withdrawn, even if the loop ends early. Raises `QuestionError` if a handle is
        given twice or belongs to another branch.
        """
        return as_finished(self._fiber, handles)

    # Time and messages

    @with_options("ctx.sleep")
    def sleep(self, length: Duration, *, reason: str = "") -> None:
        """Wait for a length of time without holding a worker.

        `length` is a number of seconds, a timedelta, or a string such as "90s", "2h" or "3 days",
        at most ten years; 0 doesn't wait. People see the `reason` during the wait. Raises
        `OptionError` for other lengths.
        """
        self._fiber.check_usable()
        time = parse_duration(length, shortest=timedelta(0), of="length of ctx.sleep")
        sleep(self._fiber, "sleep", time, reason=reason)

    @with_options("ctx.sleep_until")
    def sleep_until(self, moment: datetime, *, reason: str = "") -> None:
        """Wait until that moment without holding a worker; a moment that has passed doesn't wait.

        `moment` is a datetime with its time zone, at most ten years ahead. People see the `reason`
        during the wait. Raises `OptionError` for other moments.
        """
        self._fiber.check_usable()
        check_moment(moment, now=self._fiber.now, of="moment of ctx.sleep_until")
        sleep(self._fiber, "sleep_until", moment - self._fiber.journal.now(), reason=reason)

    @with_options("ctx.timer")
    def timer(self, length: Duration, *, reason: str = "") -> Handle[datetime]:
        """Return a handle that closes after that length of time; its value is the moment it is due.

        `length` is a number of seconds, a timedelta, or a string such as "90s", "2h" or "3 days",
        at most ten years. Raises `OptionError` for other lengths.
        """
        self._fiber.check_usable()
        key = self._fiber.scope.key_for("timer")
        time = parse_duration(length, of="length of ctx.timer")
        return open_timer(self._fiber, key, time, reason=reason)

    @overload
    def signal(self, name: str, **waiting: Unpack[SignalOptions]) -> Handle[Received[Any]]: ...
    @overload
    def signal(
        self, name: str, hint: type[T], **waiting: Unpack[SignalOptions]
    ) -> Handle[Received[T]]: ...
    @with_options("ctx.signal", SignalOptions)
    def signal(
        self, name: str, hint: Any = Any, **waiting: Unpack[SignalOptions]
    ) -> Handle[Received[Any]]:
        """Return a handle for the next signal of that name, even if the signal has already arrived.

        `hint` is the type of the signal's value. A value of another type is refused when it is
        sent, or skipped if it arrived early. `expires`, `default`, `on_timeout` and `reason` are
        described in `SignalOptions`.

        Raises `QuestionError` for a type that has no JSON form. The handle's `wait()` raises
        `SignalError` for a signal that was sent as an error, and `RequestExpiredError` if no signal
        arrives in time and `on_timeout` is "fail".
        """
        return open_signal(self._fiber, name, hint, waiting, code=self._procedure.version)

    # Other runs, and branches of this one

    @with_options("ctx.call")
    def call(
        self, procedure: Procedure, *, on_parent_end: OnParentEnd = "cancel", **inputs: Any
    ) -> Any:
        """Start a child run, wait for its end and return its result.

        Raises `InputError` for inputs that don't fit the procedure's signature, and
        `ChildFailedError` if the child ends without a result.
        """
        return self.spawn(procedure, on_parent_end=on_parent_end, **inputs).wait()

    @with_options("ctx.spawn")
    def spawn(
        self, procedure: Procedure, *, on_parent_end: OnParentEnd = "cancel", **inputs: Any
    ) -> Handle[Any]:
        """Start a child run and return a handle that closes when the child ends.

        With `on_parent_end="cancel"`, the child is cancelled if this run ends first, in any way;
        with "abandon", it continues. Raises `InputError` for inputs that don't fit the procedure's
        signature. The handle's `wait()` raises `ChildFailedError` if the child ends without a
        result.
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
        cancelled; with "collect", the results contain each error in place of a result.
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
        withdrawn; with "collect", the results contain each error in place of a result.

        Raises `StateConflictError` if branches changed `state` in conflicting ways.
        """
        check_word("on_failure= of ctx.gather", on_failure, get_args(OnFailure))
        named = [(branches.name_of(fn), self._branch(fn)) for fn in branch]
        return branches.gather(self._fiber, named, on_failure=on_failure)

    def _branch(self, fn: Callable[["Context"], Any]) -> branches.Branch:
        return lambda fiber: fn(Context(fiber, self._procedure))

    @property
    def parent_id(self) -> str | None:
        """The id of the parent run, which started this run as its child; None if there is none."""
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
        """Send a signal to another run exactly once; `run` is its handle or its id.

        The receiver counts signals with the same `id` once; by default, each call has an id of its
        own. `value` is any JSON. With a string as `error`, the waiting run raises a `SignalError`
        instead of getting a value. A run that has ended ignores the signal.

        Raises `UnreachableRunError` unless the other run is a child, the parent, or a run to which
        the person who started this run may send signals. Raises `SizeError` for a value that is too
        large.
        """
        to = run.run_id if isinstance(run, Handle) else run
        check_kind("run of ctx.send", to, str, "the handle or the id of a run")
        send_signal(self._fiber, str(to), signal, value, id=id, error=error)

    def continue_as_new(self, **inputs: Any) -> NoReturn:
        """Restart this run with other inputs; no earlier event is read again.

        An input that is left out gets its default; `ctx.state` keeps its values. Raises
        `InputError` for inputs that don't fit the signature.
        """
        self._fiber.check_usable()
        text = self._procedure.dump(self._procedure.parse(inputs))
        self._fiber.check_wanted("continue_as_new")
        self._fiber.check_time()
        self._fiber.interrupt(Continued(text))

    # Time, chance and change that replay alike

    @with_options("ctx.now")
    def now(self) -> datetime:
        """Return the time of the last stored step or wait, which is the same on every replay."""
        self._fiber.check_usable()
        return self._fiber.now

    @property
    def random(self) -> random.Random:
        """A generator that draws the same numbers on every replay."""
        self._fiber.check_usable()
        return self._fiber.random

    @with_options("ctx.uuid")
    def uuid(self) -> uuid.UUID:
        """Return a random-looking UUID, the same on every replay."""
        self._fiber.check_usable()
        return self._fiber.uuid()

    @with_options("ctx.patched")
    def patched(self, name: str) -> bool:
        """Return True if this run takes the new code, False if it passed here before the change.

        `name` identifies the change; see "Changing code". Raises `QuestionError` for an invalid
        name.
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

    # What people see meanwhile

    @property
    def state(self) -> State:
        """The run's durable values by name; a replay rebuilds them without counting twice."""
        self._fiber.check_usable()
        return self._fiber.state

    @with_options("ctx.log")
    def log(self, text: str, *, level: Level = "info") -> None:
        """Write a line to the run's journal; a replay doesn't write it again.

        `level` is "debug", "info", "warning" or "error". Raises `OptionError` for other levels.
        """
        check_text("The text of ctx.log", text)
        check_word("level= of ctx.log", level, LEVELS)
        self._fiber.note(EventKind.LOG, text, {"text": canonical.legible(text), "level": level})

    @with_options("ctx.progress")
    def progress(
        self, text: str = "", done: float | None = None, total: float | None = None
    ) -> None:
        """Show people the procedure's progress between steps; a step can use `Step.progress`.

        `done` and `total` are numbers from 0. Raises `OptionError` for other values.
        """
        check_progress("ctx.progress", text, done, total)
        counts = {} if done is None else {"done": done, "total": total}
        data = {"text": canonical.legible(text), **counts}
        self._fiber.note(EventKind.PROGRESS, text, data)

    @with_options("ctx.stage")
    def stage(self, name: str) -> None:
        """Show people the name of the part of the procedure that begins here.

        Raises `OptionError` if `name` isn't a string.
        """
        check_text("The name of ctx.stage", name)
        self._fiber.note(EventKind.STAGE, name, {"stage": canonical.legible(name)})

    # The names that agent programs know

    @with_options("ctx.step_run")
    def step_run(self, name: str, fn: Callable[[], Any]) -> Any:
        """Run `fn()` under any name and store its result.

        This is the signature that agent programs expect. An exception of `fn` is raised with its
        own type; if that type can't be found again, raises `StepFailedError`.
        """
        return self._checkpoints.step_run(name, fn)

    @with_options("ctx.wait_for_human")
    def wait_for_human(
        self,
        request_type: str,
        message: str,
        timeout_seconds: float | None = None,
        default_value: Any = None,
        options: Sequence[Mapping[str, Any]] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> HumanResponse:
        """Ask for an approval, an input, a review (of `metadata["artifact"]`) or help.

        The first line of `message` is the prompt, and the rest is Markdown below it. If nobody
        answers within `timeout_seconds`, `default_value` is the answer: at once for 0 or less,
        never for None. `metadata` is stored for programs and shown to nobody. Raises
        `QuestionError` for an invalid question.
        """
        return seed.wait_for_human(
            self._fiber, request_type, message, timeout_seconds, default_value, (options, metadata)
        )

    @with_options("ctx.checkpoint_exists")
    def checkpoint_exists(self, name: str) -> bool:
        """Return True if `step_run` has stored a result under that name before this call."""
        return self._checkpoints.exists(name)

    @with_options("ctx.checkpoint_get")
    def checkpoint_get(self, name: str) -> Any:
        """Return the last result that `step_run` has stored under that name, or None."""
        return self._checkpoints.get(name)

    @with_options("ctx.checkpoint_clear_after")
    def checkpoint_clear_after(self, name: str) -> None:
        """Forget the result under that name and all later results; the journal still has them."""
        self._checkpoints.clear_after(name)

    @with_options("ctx.checkpoint_clear_all")
    def checkpoint_clear_all(self) -> None:
        """Forget all results of `step_run`; the journal still has their events."""
        self._checkpoints.clear_all()


def _step_of(fn: Callable[..., Any], args: tuple[Any, ...], named: Mapping[str, Any]) -> Call:
    return call_of(check_callable(fn, "ctx.step"), args, named, also=STEP_ONLY)
