"""Durable procedures in plain Python: what an author imports."""

from procedures.engine.context import Context
from procedures.engine.definition import Check, Procedure, procedure
from procedures.engine.errors import (
    EngineError,
    InputError,
    RequestExpiredError,
    StepFailedError,
)
from procedures.engine.files import File
from procedures.engine.questions import Outcome, Response
from procedures.engine.steps import Retry, Step

__all__ = [
    "Check",
    "Context",
    "EngineError",
    "File",
    "InputError",
    "Outcome",
    "Procedure",
    "RequestExpiredError",
    "Response",
    "Retry",
    "Step",
    "StepFailedError",
    "procedure",
]
