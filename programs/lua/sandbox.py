"""One Lua runtime for one turn of a run: its fences, and the functions that its code may call."""

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
"""The bytes that a program may use in Lua."""
MOST_SECONDS = 2.0
"""The seconds of processor time that a program may use between two calls of the context."""
LONGEST_ERROR = 5_000
"""The longest message of an error, in characters; a longer one is cut."""
HERE = Path(__file__).parent
SAFE = (HERE / "safe.lua").read_text()
MEMORY = "not enough memory"


class Fence(Protocol):
    """The limits of a program: the engine's watch in a run, a clock while a file is read."""

    place: str

    def check(self) -> None: ...
    def fail(self, message: str) -> NoReturn: ...
    def resting(self) -> AbstractContextManager[None]: ...


class Reading:
    """The limits while a file is read, which runs its declarations."""

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
    """The declarations of a file take too long, or too much memory."""


class Sandbox:
    """A Lua runtime whose code can reach nothing of Python except the functions it is given."""

    def __init__(self, clock: Clock, fence: Fence) -> None:
        self._fence, self._file = fence, ""
        self._stopped: BaseException | None = None
        """A suspension, a limit or another exception that no program may catch."""
        self._runtime: Any = lua54.LuaRuntime(
            unpack_returned_tuples=True,
            register_eval=False,
            register_builtins=False,
            attribute_filter=_refuse,
            max_memory=MOST_MEMORY,
        )
        self.kind_of: Callable[[Any], str | None] = lua54.lua_type
        self.table: Callable[[], Any] = self._runtime.table
        # As it is, so that what it raises is raised again in Lua.
        self._say: Callable[[str], object] = _ignore
        self._wrapped: Callable[[Any], Any] = _itself  # until there is one
        raw = {
            "over": self._guard(fence.check),
            "mark": self._mark,
            "fatal": self._is_fatal,
            "words": _words,
            "no_memory": self._guard(self._no_memory),
            "time": self.leaf(clock.time),
            "date": self.leaf(clock.date),
            "clock": self.leaf(clock.clock),
            "chance": self.leaf(clock.random),
            "whole": self.leaf(clock.whole),
            "say": self._print,
            "reads": isinstance(fence, Reading),
        }
        safe = self._chunk(SAFE, "<safe>")(self._runtime.table_from(raw))
        self._run, self._wrapped = safe["run"], safe["wrapped"]
        self.empty_array: Callable[[], Any] = safe["array"]
        self.is_array: Callable[[Any], bool] = safe["is_array"]

    @property
    def globals(self) -> Any:
        return self._runtime.globals()

    def define(self, name: str, value: Any) -> None:
        """Set a global name to a plain value."""
        self.globals[name] = lua(value, self)

    def print_by(self, say: Callable[[str], object]) -> None:
        """Have `print` call this function with its line."""
        self._say = say

    def leaf(self, fn: Callable[..., Any], *, rests: bool = False) -> Callable[..., Any]:
        """Return the function for Lua: it gets plain values, and its result becomes Lua values.

        A tuple becomes several results. With `rests=True` its time isn't the program's, and the
        program's time is counted anew after it; only functions that write events may have this, so
        that the limits of a run end a loop of such calls.
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
        """Return the chunk as a function; raise lupa's `LuaSyntaxError` for a text that isn't Lua.

        `line` is the line of the file at which the text begins.
        """
        self._file = file
        return self._chunk("\n" * (line - 1) + text, file)

    def extend(self, text: str, name: str, given: Mapping[str, Any]) -> Any:
        """Run a chunk of ours, which gets these functions in a table, and return its result."""
        return self._chunk(text, f"<{name}>")(self._runtime.table_from(given))

    def call(self, fn: Any, *args: Any) -> list[Any]:
        """Call a function of the program with plain values, and return its results as such.

        Raises `ProgramError` for an error of the program, and what the host's functions raised to
        stop it.
        """
        try:
            return [plain(one, self) for one in self.enter(fn, *(lua(one, self) for one in args))]
        except (ValueError, lua54.LuaError) as error:
            raise ProgramError(f"The result can't be stored: {error}") from error

    def enter(self, fn: Any, *args: Any) -> Sequence[Any]:
        """Like `call`, with Lua values."""
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
        # A call at the end of a function (`return f()`) has taken the place of its line.
        file = f"{self._file}: " if place == "" and self._file else place or ""
        raise ProgramError(cut(f"{file}{words}", LONGEST_ERROR))

    def _chunk(self, text: str, name: str) -> Any:
        return self._runtime.compile(text, name=f"={name}".encode())

    def _guard(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function; remember what it raises that the program mustn't catch."""

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


def _words(error: object) -> str:
    """Return the message of a Python exception, as a program sees it."""
    if isinstance(error, BaseException):
        told = str(error)
        is_told = isinstance(error, EngineError | PublicError | ValueError | TypeError) or not told
        return told if told and is_told else f"{type(error).__name__}: {told}".removesuffix(": ")
    return "An error without a message."
