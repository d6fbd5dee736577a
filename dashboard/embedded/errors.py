class StartError(Exception):
    """Raised if the product can't start; the message says why."""


class StopAsked(BaseException):
    """The request to stop: Ctrl-C, a closed terminal or SIGTERM."""
