"""Start runs on a Countersign site, ask its people, and wait for their answers.

`Client` and `AsyncClient` have the same methods. docs/client.md shows how to use them.
"""

from countersign_client.async_client import AsyncClient, AsyncQuestion
from countersign_client.client import Client, Question
from countersign_client.errors import (
    ConflictError,
    CountersignError,
    EndedRunError,
    Fault,
    InvalidError,
    LostRunError,
    NoAnswerError,
    NotAllowedError,
    NotFoundError,
    RefusedError,
    TooManyError,
    UnreachableError,
    UnreadableError,
    WaitTimeoutError,
)
from countersign_client.files import File
from countersign_client.outside import OutsideQuestion, OutsideRun
from countersign_client.results.pages import Page
from countersign_client.results.requests import (
    Answer,
    BulkResult,
    InboxItem,
    Request,
    RequestRow,
    Response,
    SeenAnswer,
    Upload,
)
from countersign_client.results.runs import (
    Artifact,
    Event,
    Failure,
    OpenRequest,
    Procedure,
    Progress,
    Run,
    RunRow,
    Signal,
    Stage,
)
from countersign_client.results.sessions import (
    Hit,
    Message,
    Reply,
    Sent,
    Session,
    SessionRow,
)

__all__ = [
    "Answer",
    "Artifact",
    "AsyncClient",
    "AsyncQuestion",
    "BulkResult",
    "Client",
    "ConflictError",
    "CountersignError",
    "EndedRunError",
    "Event",
    "Failure",
    "Fault",
    "File",
    "Hit",
    "InboxItem",
    "InvalidError",
    "LostRunError",
    "Message",
    "NoAnswerError",
    "NotAllowedError",
    "NotFoundError",
    "OpenRequest",
    "OutsideQuestion",
    "OutsideRun",
    "Page",
    "Procedure",
    "Progress",
    "Question",
    "RefusedError",
    "Reply",
    "Request",
    "RequestRow",
    "Response",
    "Run",
    "RunRow",
    "SeenAnswer",
    "Sent",
    "Session",
    "SessionRow",
    "Signal",
    "Stage",
    "TooManyError",
    "UnreachableError",
    "UnreadableError",
    "Upload",
    "WaitTimeoutError",
]
