"""Durable procedures in plain Python: what an author imports."""

from procedures.engine.agent_api import HumanResponse
from procedures.engine.context import Context
from procedures.engine.declaration.bound import Bound
from procedures.engine.declaration.definition import Check, Procedure, procedure
from procedures.engine.declaration.limits import Limits
from procedures.engine.declaration.steps import Retry, Step
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
from procedures.engine.kinds.questions import Outcome, Response
from procedures.engine.values.choices import SiteChoice
from procedures.engine.values.files import File
from procedures.engine.waits.handles import Handle
from procedures.engine.waits.signals import Received

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
