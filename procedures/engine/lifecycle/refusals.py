"""The error for operations that a run's state doesn't allow."""

from procedures.engine.errors import EngineError


class OperationRefusedError(EngineError):
    """An operation isn't possible now, or lacks a reason; the message says what is wrong."""
