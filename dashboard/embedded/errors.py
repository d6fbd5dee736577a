class StartError(Exception):
    """The product can't start; the message is one sentence."""


class StopAsked(BaseException):
    """Ctrl-C, a closed terminal or SIGTERM."""
