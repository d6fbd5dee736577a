"""The errors of Lua programs."""

from procedures.engine import PublicError


class ProgramError(PublicError):
    """A Lua program has failed. The message begins with the file and the line of the failure."""


class ChildTimeoutError(PublicError):
    """A program waited for child runs that didn't end in time."""


class GuardError(PublicError):
    """A guard, which is code that a program runs first, has refused the run."""


class OutputError(PublicError):
    """A Lua program returned a value that doesn't fit the outputs that the program declares."""


class HumanTimeoutError(PublicError):
    """Nobody answered a question with `on_timeout = "error"` before its timeout."""


class TurnLimitError(PublicError):
    """The agents of a program have already taken as many turns as `max_turns` allows."""
