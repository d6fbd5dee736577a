class StartError(Exception):
    """Why the product cannot start, in one sentence."""


class StopAsked(BaseException):
    """Somebody pressed Ctrl-C, closed the terminal or sent SIGTERM."""
