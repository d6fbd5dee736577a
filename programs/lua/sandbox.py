"""A Lua runtime for one claim of a run: its limits, and the functions that Lua code may call."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NoReturn, Protocol, cast

from lupa import lua54  # type: ignore[import-untyped]  # it has no types

from procedures.engine import EngineError, PublicError
from procedures.engine.values.sizes import cut
from programs.lua.clock import Clock
from programs.lua.errors import ProgramError
from programs.lua.values import lua, plain

MOST_MEMORY = 64 * 1024 * 1024
"""The maximum number of bytes of memory that a program may use in Lua."""
MOST_SECONDS = 2.0
"""The maximum processor time in seconds that a program may use between two calls of `ctx`."""
LONGEST_ERROR = 5_000
"""The maximum number of characters in the message of an error; a longer message is cut."""
HERE = Path(__file__).parent
SAFE = (HERE / "safe.lua").read_text()
MEMORY = "not enough memory"


class Fence(Protocol):
    """The interface of a program's limits.

    In a run, these are limits of the engine; while a file is read, `ReadingLimits`.
    """

    place: str

    def check(self) -> None: ...
    def fail(self, message: str) -> NoReturn: ...
    def resting(self) -> AbstractContextManager[None]: ...


class ReadingLimits:
    """The limits while a file is read. Reading a .tac file executes the file's declarations."""

    def __init__(self, seconds: float = MOST_SECONDS) -> None:
        self.place, self._seconds = "", seconds
        self._ends = time.process_time() + seconds

    def check(self) -> None:
        if time.process_time() > self._ends:
            self.fail(f"{self.place}: reading takes more than {self._seconds:g} seconds.")

    def fail(self, message: str) -> NoReturn:
        raise ReadingTooLong(message)

    def resting(self) -> AbstractContextManager[None]:
        return nullcontext()


class ReadingTooLong(BaseException):
    """Reading a file takes more time or more memory than the limits allow."""


class Sandbox:
    """A Lua runtime whose code can reach nothing of Python but the functions that it was given."""

    def __init__(self, clock: Clock, fence: Fence) -> None:
        self._fence, self._file = fence, ""
        self._stopped: BaseException | None = None
        """A suspension, an exceeded limit or other exception that no program may catch, or None."""
        self._runtime: Any = lua54.LuaRuntime(
            unpack_returned_tuples=True,
            register_eval=False,
            register_builtins=False,
            attribute_filter=_refuse,
            max_memory=MOST_MEMORY,
        )
        self.kind_of: Callable[[Any], str | None] = lua54.lua_type
        self.table: Callable[[], Any] = self._runtime.table
        # Not wrapped, so that its exceptions are raised again in Lua.
        self._say: Callable[[str], object] = _ignore
        self._wrapped: Callable[[Any], Any] = _itself  # replaced below
        raw = {
            "over": self._guard(fence.check),
            "mark": self._mark,
            "fatal": self._is_fatal,
            "words": _message_of,
            "no_memory": self._guard(self._no_memory),
            "time": self.leaf(clock.time),
            "date": self.leaf(clock.date),
            "clock": self.leaf(clock.clock),
            "chance": self.leaf(clock.random),
            "whole": self.leaf(clock.whole),
            "say": self._print,
            "reads": isinstance(fence, ReadingLimits),
        }
        safe = self._chunk(SAFE, "<safe>")(self._runtime.table_from(raw))
        self._run, self._wrapped = safe["run"], safe["wrapped"]
        self.empty_array: Callable[[], Any] = safe["array"]
        self.is_array: Callable[[Any], bool] = safe["is_array"]

    @property
    def globals(self) -> Any:
        return self._runtime.globals()

    def define(self, name: str, value: Any) -> None:
        """Set the global variable with this name to a plain JSON value."""
        self.globals[name] = lua(value, self)

    def print_by(self, say: Callable[[str], object]) -> None:
        """Make Lua's `print` call `say` with each line that it would print."""
        self._say = say

    def leaf(self, fn: Callable[..., Any], *, rests: bool = False) -> Callable[..., Any]:
        """Return a function for Lua, which calls `fn` with plain JSON values.

        The result of `fn` is converted to Lua; a tuple becomes several results. With `rests=True`,
        the duration of the call isn't counted, and after the call, the time that the program uses
        is counted from 0 again. Only functions that write events may be called this way: because
        the number of events is limited, a loop of such calls ends, too.
        """
        guarded = self._guard(fn)

        def called(*args: Any) -> Any:
            given = [plain(one, self) for one in args]
            with self._fence.resting() if rests else nullcontext():
                found = guarded(*given)
            if isinstance(found, tuple):
                return tuple(lua(one, self) for one in found)
            return lua(found, self)

        return cast(Callable[..., Any], self._wrapped(called))

    def load(self, text: str, file: str, line: int = 1) -> Any:
        """Return a Lua text, compiled to a function.

        Raises lupa's `LuaSyntaxError` for invalid Lua. `line` is the number of the line of the file
        on which the text begins.
        """
        self._file = file
        return self._chunk("\n" * (line - 1) + text, file)

    def extend(self, text: str, name: str, given: Mapping[str, Any]) -> Any:
        """Run trusted Lua code, and return its result.

        The code gets the functions `given` in a table.
        """
        return self._chunk(text, f"<{name}>")(self._runtime.table_from(given))

    def call(self, fn: Any, *args: Any) -> list[Any]:
        """Call a function of the program; its arguments and its results are plain JSON values.

        Raises `ProgramError` for an error of the program. If a Python function has stopped the
        program by an exception such as `Suspend`, that exception is raised again.
        """
        try:
            return [plain(one, self) for one in self.enter(fn, *(lua(one, self) for one in args))]
        except (ValueError, lua54.LuaError) as error:
            raise ProgramError(f"The result can't be stored: {_message_of(error)}") from error

    def enter(self, fn: Any, *args: Any) -> Sequence[Any]:
        """Call a function of the program like `call`, but convert neither arguments nor results."""
        try:
            found = self._run(fn, *args)
        except lua54.LuaError as error:
            self._reraise()
            if isinstance(error, MemoryError):
                self._no_memory()
            raise ProgramError(str(error).partition("\nstack traceback:")[0]) from error
        results = found if isinstance(found, tuple) else (found,)
        self._reraise()
        if results[0]:
            return results[1:]
        place, words = results[1:]
        # A tail call (`return f()`) has replaced the stack frame that has the line.
        file = f"{self._file}: " if place == "" and self._file else place or ""
        raise ProgramError(cut(f"{file}{words}", LONGEST_ERROR))

    def _chunk(self, text: str, name: str) -> Any:
        return self._runtime.compile(text, name=f"={name}".encode())

    def _guard(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that calls `fn` and stores an exception that the program may not catch.

        After such an exception, each further call raises the exception again.
        """

        def guarded(*args: Any) -> Any:
            if self._stopped is not None:
                raise self._stopped
            try:
                return fn(*args)
            except MemoryError as error:
                self._stopped = error
                raise
            except Exception:
                raise
            except BaseException as error:
                self._stopped = error
                raise

        return guarded

    def _print(self, text: str) -> None:
        self._say(text)

    def _mark(self, file: str, line: int) -> None:
        self._fence.place = f"{file}, line {line}"

    def _is_fatal(self) -> bool:
        return self._stopped is not None

    def _reraise(self) -> None:
        if self._stopped is not None:
            raise self._stopped

    def _no_memory(self) -> NoReturn:
        where = f"{self._fence.place}: the" if self._fence.place else "The"
        size = MOST_MEMORY // 1024 // 1024
        self._fence.fail(f"{where} program needs more than {size} MB of memory.")


def _refuse(_object: object, name: object, _is_setting: bool) -> NoReturn:  # noqa: FBT001 (of lupa)
    raise AttributeError(f"Programs can't use the attribute {name!r} of an object of the site.")


def _itself(fn: Any) -> Any:
    return fn


def _ignore(_text: str) -> None:
    return


def _message_of(error: object) -> str:
    """Return the message that a program sees for an exception of Python."""
    if isinstance(error, UnicodeDecodeError):
        return "A string isn't UTF-8 text."
    if isinstance(error, BaseException):
        message = str(error)
        is_told = (
            isinstance(error, EngineError | PublicError | ValueError | TypeError) or not message
        )
        return (
            message
            if message and is_told
            else f"{type(error).__name__}: {message}".removesuffix(": ")
        )
    return "The program raised an error without a message."
