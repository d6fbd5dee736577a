"""Durable procedures in plain Python: what an author imports."""

from procedures.engine.bound import Bound
from procedures.engine.choices import SiteChoice
from procedures.engine.context import Context
from procedures.engine.definition import Check, Procedure, procedure
from procedures.engine.errors import (
    BranchFailedError,
    ChildFailedError,
    ChoiceGoneError,
    EngineError,
    EvidenceError,
    InputError,
    NotApprovedError,
    ProcedureFileError,
    PublicError,
    RequestExpiredError,
    SignalError,
    StateConflictError,
    StepFailedError,
    UnreachableRunError,
)
from procedures.engine.files import File
from procedures.engine.handles import Handle
from procedures.engine.limits import Limits
from procedures.engine.questions import Outcome, Response
from procedures.engine.seed import HumanResponse
from procedures.engine.signals import Received
from procedures.engine.steps import Retry, Step

__all__ = [
    "Bound",
    "BranchFailedError",
    "Check",
    "ChildFailedError",
    "ChoiceGoneError",
    "Context",
    "EngineError",
    "EvidenceError",
    "File",
    "Handle",
    "HumanResponse",
    "InputError",
    "Limits",
    "NotApprovedError",
    "Outcome",
    "Procedure",
    "ProcedureFileError",
    "PublicError",
    "Received",
    "RequestExpiredError",
    "Response",
    "Retry",
    "SignalError",
    "SiteChoice",
    "StateConflictError",
    "Step",
    "StepFailedError",
    "UnreachableRunError",
    "procedure",
]
