"""Errors for operations that a run's state forbids."""

from procedures.engine.errors import EngineError


class OperationRefusedError(EngineError):
    """An operation is impossible now, or lacks a reason; the message says which."""
