"""The verbs that wait for time, signals and handles."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, TypeVar, Unpack, overload

from procedures.engine.declaration.definition import Procedure
from procedures.engine.declaration.messages import InboxMessage
from procedures.engine.errors import DefinitionError
from procedures.engine.replay.fiber import Fiber
from procedures.engine.values.durations import Duration, check_moment, parse_duration
from procedures.engine.values.options import with_options
from procedures.engine.waits.handles import Handle, open_timer, sleep
from procedures.engine.waits.inbox import ConverseOptions, converse, read_inbox, read_signals
from procedures.engine.waits.sets import as_finished, first_of
from procedures.engine.waits.signals import Received, SignalOptions, open_signal

T = TypeVar("T")


class WaitingVerbs:
    """The verbs that wait for time, signals and handles."""

    _fiber: Fiber
    _procedure: Procedure

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
        """Wait until one of the handles is closed, and return that handle.

        If several handles are closed, the one that was closed first is returned. The questions,
        timers and waits for signals among the other handles are withdrawn; child runs continue.
        With `keep_open=True`, nothing is withdrawn. Raises `QuestionError` if no handle is given,
        if a handle is given twice, or if a handle belongs to another branch.
        """
        return first_of(self._fiber, "wait_any", 1, handles, keep_open=keep_open)[0]

    @with_options("ctx.wait_n")
    def wait_n(self, n: int, *handles: Handle[Any], keep_open: bool = False) -> list[Handle[Any]]:
        """Wait until `n` handles are closed, and return these in the order in which they closed.

        `n` is a number from 1 to the number of handles. The other handles are withdrawn, or with
        `keep_open=True` stay open, as with `wait_any`. Raises `QuestionError` if `n` is another
        number, if a handle is given twice, or if a handle belongs to another branch.
        """
        return first_of(self._fiber, "wait_n", n, handles, keep_open=keep_open)

    @with_options("ctx.as_finished")
    def as_finished(self, handles: Iterable[Handle[T]]) -> Iterator[Handle[T]]:
        """Yield each handle as soon as it is closed, in the order in which the handles are closed.

        No handle is withdrawn, even if the loop ends early. Raises `QuestionError` if a handle is
        given twice or belongs to another branch.
        """
        return as_finished(self._fiber, handles)

    # Messages from people

    @with_options("ctx.inbox")
    def inbox(self) -> list[InboxMessage]:
        """Return the messages that people have written to the run since the last call.

        The list is empty if nobody has written. Each message is returned only once, either by this
        method or by `ctx.converse`; a replay of the call returns the same messages. Raises
        `DefinitionError` unless the procedure is declared with `listens=True`.
        """
        self._check_listens("ctx.inbox")
        return read_inbox(self._fiber)

    @with_options("ctx.converse", ConverseOptions)
    def converse(self, text: str, **waiting: Unpack[ConverseOptions]) -> InboxMessage:
        """Post text in the run's chat session, and return the next message to the run.

        If people wrote a message earlier that the run hasn't read, that message is returned at
        once. To wait for a new message, read the earlier messages with `ctx.inbox` first.
        `expires`, `default` and `on_timeout` are described in `ConverseOptions`.

        Raises `DefinitionError` unless the procedure is declared with `listens=True`, and
        `RequestExpiredError` if nobody writes in time and `on_timeout` is "fail".
        """
        self._check_listens("ctx.converse")
        return converse(self._fiber, text, waiting)

    def _check_listens(self, verb: str) -> None:
        if not self._procedure.listens:
            raise DefinitionError(
                f"{verb} needs @procedure(listens=True), which lets people write to the runs of "
                "the procedure."
            )

    # Time and signals

    @with_options("ctx.sleep")
    def sleep(self, length: Duration, *, reason: str = "") -> None:
        """Wait for a length of time without holding a worker.

        `length` is a number of seconds, a timedelta, or a string such as "90s", "2h" or "3 days",
        at most ten years; with 0, the call returns at once. People see the `reason` during the
        wait. Raises `OptionError` for other lengths.
        """
        self._fiber.check_usable()
        time = parse_duration(length, shortest=timedelta(0), of="length of ctx.sleep")
        sleep(self._fiber, "sleep", time, reason=reason)

    @with_options("ctx.sleep_until")
    def sleep_until(self, moment: datetime, *, reason: str = "") -> None:
        """Wait until the date and time `moment` without holding a worker.

        `moment` is a datetime with its time zone, at most ten years ahead. If `moment` has passed,
        the call returns at once. People see the `reason` during the wait. Raises `OptionError` for
        a datetime that has no time zone or is more than ten years ahead.
        """
        self._fiber.check_usable()
        check_moment(moment, now=self._fiber.now, of="moment of ctx.sleep_until")
        sleep(self._fiber, "sleep_until", moment - self._fiber.journal.now(), reason=reason)

    @with_options("ctx.timer")
    def timer(self, length: Duration, *, reason: str = "") -> Handle[datetime]:
        """Return a handle that closes after that length of time.

        The handle's result is the time at which the handle closed. `length` is a number of seconds,
        a timedelta, or a string such as "90s", "2h" or "3 days", at most ten years. People see the
        `reason` during the wait. Raises `OptionError` for other lengths.
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
        """Return a handle for the next signal of that name.

        A signal that arrived before this call closes the handle at once. `hint` is the type of the
        signal's value. While the run waits, a value of another type is refused when it is sent. A
        signal with a value of another type that arrived before the run waited is skipped.
        `expires`, `default`, `on_timeout` and `reason` are described in `SignalOptions`.

        Raises `QuestionError` for a type that has no JSON form. The handle's `wait()` raises
        `SignalError` for a signal that was sent as an error, and `RequestExpiredError` if no signal
        arrives in time and `on_timeout` is "fail".
        """
        return open_signal(self._fiber, name, hint, waiting, code=self._procedure.version)

    @with_options("ctx.received")
    def received(self, name: str) -> list[Received[Any]]:
        """Return the signals of that name that have arrived since the last call, without waiting.

        The list is empty if no signal has arrived. Each signal is returned only once, either by
        this method or by a wait for the signal; a replay of the call returns the same signals. The
        value of each signal is plain JSON. Signals that were sent as errors are left for a wait,
        which raises a `SignalError`. Raises `QuestionError` for an invalid name.
        """
        return read_signals(self._fiber, name)
