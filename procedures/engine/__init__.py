"""The public API of durable procedures, in plain Python."""

from procedures.engine.agent_api import HumanResponse
from procedures.engine.context import Context
from procedures.engine.declaration.bound import Bound
from procedures.engine.declaration.decorator import procedure
from procedures.engine.declaration.definition import Check, Procedure
from procedures.engine.declaration.limits import Limits
from procedures.engine.declaration.messages import InboxMessage
from procedures.engine.declaration.picture import Picture, PictureEdge, PictureNode
from procedures.engine.declaration.reach import Answerers, Webhook
from procedures.engine.declaration.steps import Retry, Step, StepOptions
from procedures.engine.errors import (
    AnswerError,
    BranchFailedError,
    ChildFailedError,
    ChoiceGoneError,
    DefinitionError,
    EngineError,
    EvidenceError,
    Fault,
    FileGoneError,
    FileStoreError,
    InputError,
    LeftOpenError,
    NotApprovedError,
    OptionError,
    ProcedureFileError,
    PublicError,
    QuestionError,
    RequestExpiredError,
    SignalError,
    SizeError,
    StateConflictError,
    StepFailedError,
    StepTimeoutError,
    UnreachableRunError,
)
from procedures.engine.kinds.kind import Outcome
from procedures.engine.kinds.request_options import RequestOptions
from procedures.engine.kinds.responses import Response
from procedures.engine.kinds.standing import Like
from procedures.engine.kinds.votes import Vote
from procedures.engine.values.choices import SiteChoice
from procedures.engine.values.durations import Duration
from procedures.engine.values.files import File
from procedures.engine.values.money import Currency
from procedures.engine.values.state import State
from procedures.engine.waits.handles import Handle
from procedures.engine.waits.inbox import ConverseOptions
from procedures.engine.waits.signals import Received, SignalOptions

__all__ = [
    "AnswerError",
    "Answerers",
    "Bound",
    "BranchFailedError",
    "Check",
    "ChildFailedError",
    "ChoiceGoneError",
    "Context",
    "ConverseOptions",
    "Currency",
    "DefinitionError",
    "Duration",
    "EngineError",
    "EvidenceError",
    "Fault",
    "File",
    "FileGoneError",
    "FileStoreError",
    "Handle",
    "HumanResponse",
    "InboxMessage",
    "InputError",
    "LeftOpenError",
    "Like",
    "Limits",
    "NotApprovedError",
    "OptionError",
    "Outcome",
    "Picture",
    "PictureEdge",
    "PictureNode",
    "Procedure",
    "ProcedureFileError",
    "PublicError",
    "QuestionError",
    "Received",
    "RequestExpiredError",
    "RequestOptions",
    "Response",
    "Retry",
    "SignalError",
    "SignalOptions",
    "SiteChoice",
    "SizeError",
    "State",
    "StateConflictError",
    "Step",
    "StepFailedError",
    "StepOptions",
    "StepTimeoutError",
    "UnreachableRunError",
    "Vote",
    "Webhook",
    "procedure",
]
