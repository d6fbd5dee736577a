"""The errors of Lua programs."""

from procedures.engine import PublicError


class ProgramError(PublicError):
    """A Lua program has failed; the message begins with the file and the line."""


class ChildTimeoutError(PublicError):
    """A program waited for child runs, which didn't end in time."""


class GuardError(PublicError):
    """A guard of a Lua program has refused the run."""


class OutputError(PublicError):
    """A Lua program returned a value that doesn't fit the declared outputs."""


class HumanTimeoutError(PublicError):
    """Nobody has answered a question in time, and `on_timeout` was "error"."""


class TurnLimitError(PublicError):
    """The agents of a program have taken all turns that its `max_turns` allows."""
