"""Durable procedures in plain Python: what an author imports."""

from procedures.engine.choices import SiteChoice
from procedures.engine.context import Context
from procedures.engine.definition import Check, Procedure, procedure
from procedures.engine.errors import (
    ChoiceGoneError,
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
    "ChoiceGoneError",
    "Context",
    "EngineError",
    "File",
    "InputError",
    "Outcome",
    "Procedure",
    "RequestExpiredError",
    "Response",
    "Retry",
    "SiteChoice",
    "Step",
    "StepFailedError",
    "procedure",
]
