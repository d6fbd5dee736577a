class StartError(Exception):
    """The error if the product can't start; its message is one sentence."""


class StopAsked(BaseException):
    """The request to stop: Ctrl-C, a closed terminal or SIGTERM."""
