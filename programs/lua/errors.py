"""The errors of Lua programs."""

from procedures.engine import PublicError


class ProgramError(PublicError):
    """A Lua program has failed; the message begins with the file and the line."""


class ChildTimeoutError(PublicError):
    """Child runs aren't done in the time that a program waits for them."""


class GuardError(PublicError):
    """A guard of a Lua program has refused the run."""


class OutputError(PublicError):
    """A Lua program has returned something else than its outputs declare."""


class HumanTimeoutError(PublicError):
    """Nobody has answered a question in time, and `on_timeout` was "error"."""


class TurnLimitError(PublicError):
    """The agents of a program have taken all turns that its `max_turns` allows."""
