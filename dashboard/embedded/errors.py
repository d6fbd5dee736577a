class StartError(Exception):
    """The product can't start; the message says why."""


class StopAsked(BaseException):
    """The request to stop: Ctrl-C, a closed terminal or SIGTERM."""
