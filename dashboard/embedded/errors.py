class StartError(Exception):
    """The product can't start; the message says why."""


class StopRequested(BaseException):
    """A request to stop the product: Ctrl-C, a closed terminal or SIGTERM."""
