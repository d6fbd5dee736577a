"""Acts on runs that their state forbids."""

from procedures.engine.errors import EngineError


class OperationRefusedError(EngineError):
    """An operator's act that is impossible now, or lacks a reason; says why."""
