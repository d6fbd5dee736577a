"""The API as a whole: its routers, and the table that maps errors to responses."""

import errno
import logging
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema, get_schema
from ninja.parser import Parser

import chat.api
import chat.inbox_api
import chat.search_api
import chat.sessions_api
import procedures.api
import procedures.operations_api
from chat.models import HumanRequest
from chat.services import (
    AlreadyAnsweredError,
    LastMemberError,
    MessageError,
    NoReplyError,
    NotAskedError,
    NotMemberError,
    ProgramRefusedError,
    ReassigningDeniedError,
    RemovalDeniedError,
    UnknownRequestError,
)
from dashboard.api import announcements, inbound, tokens
from dashboard.api.auth import SignedInSession, Token
from dashboard.api.middleware import NO_DATABASE, NOTHING_HERE, UNREADABLE
from dashboard.api.parameters import View, refuse_unknown, with_known_parameters
from dashboard.http.throttle import TooManyAttemptsError
from dashboard.models.token import ScopeError
from procedures.engine.errors import AnswerError, FileGoneError, FileStoreError, InputError
from procedures.engine.lifecycle.fork import ForkRefusedError, UnknownPlaceError
from procedures.engine.values.faults import fault_of
from procedures.engine.values.sent import BodyError, read_json
from procedures.inputs import TooLargeError
from procedures.models import Run
from procedures.services import (
    BrokenProcedureError,
    KeyReusedError,
    NotAllowedError,
    OperationDeniedError,
    OperationRefusedError,
    QuotaError,
    ReasonError,
    SignalDeniedError,
    SignalRefusedError,
    StartsStoppedError,
    UnknownProcedureError,
)

logger = logging.getLogger(__name__)
Told = tuple[int, dict[str, Any]]
FULL = {errno.ENOSPC, errno.EDQUOT}


class JsonParser(Parser):
    """A parser that reads each body with the same strict JSON rules as the inputs of a run."""

    def parse_body(self, request: HttpRequest) -> Any:
        return read_json(request.body)


class Api(NinjaAPI):
    """An API that caches its OpenAPI description, because making the description takes a second."""

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        return described(self, path_prefix or self.get_root_path(path_params or {}))


@lru_cache(maxsize=4)
def described(api: Api, path_prefix: str) -> OpenAPISchema:
    return get_schema(api, path_prefix)


def without_parameters(view: View) -> View:
    """Return the view with a check that refuses all query parameters."""

    @wraps(view)
    def checked(request: HttpRequest, **given: Any) -> HttpResponse:
        try:
            refuse_unknown(request, ())
        except InputError as error:
            return tell(request, error)
        response: HttpResponse = view(request, **given)
        return response

    return checked


api = Api(
    title="Countersign",
    version="1",
    description=(
        "Start runs, follow them and answer their requests. Instead of polling for changes, a"
        " program can open the site's WebSocket /live with the same token. After"
        ' it has sent `{"follow": "run:ID", "after": 0}`, it gets each event of the run as JSON.'
        " The token needs the scope `read`."
    ),
    auth=[Token(), SignedInSession()],
    parser=JsonParser(),
    docs_decorator=without_parameters,
    urls_namespace="countersign:api",
)
api.add_decorator(with_known_parameters, mode="operation")
api.add_router("", procedures.api.router, tags=["Procedures and runs"])
api.add_router("", procedures.operations_api.router, tags=["Operators"])
api.add_router("", chat.api.router, tags=["Requests"])
api.add_router("", chat.inbox_api.router, tags=["Inbox"])
api.add_router("", chat.sessions_api.router, tags=["Chat"])
api.add_router("", chat.search_api.router, tags=["Search"])
api.add_router("", inbound.router, tags=["Requests"])
api.add_router("", tokens.router, tags=["Tokens"])
api.add_router("", announcements.router, tags=["Site"])


def already_answered(error: AlreadyAnsweredError) -> Told:
    request = error.request
    who = {"answered_by": request.closed_by, "answered_at": request.closed_at}
    return 409, {"detail": str(error), **who}


def wrong_inputs(error: InputError | AnswerError) -> Told:
    return 422, {"detail": str(error), "faults": [vars(fault) for fault in error.faults]}


def wrong_parameters(error: ValidationError) -> Told:
    """Return 404 if a value in the path is invalid; for other parameters, 422 with the faults."""
    places = [fault["loc"] for fault in error.errors]
    if any(place[0] == "path" for place in places):
        return 404, {"detail": NOTHING_HERE}
    named = [place[2:] or ["body"] if place[0] == "body" else place[1:] for place in places]
    faults = [fault_of(fault, name) for fault, name in zip(error.errors, named, strict=True)]
    return wrong_inputs(InputError(faults))


def refused(error: HttpError) -> Told:
    """Return the reason why a body can't be read; Ninja's own response would leave it out."""
    cause = error.__cause__
    if isinstance(cause, RecursionError):
        return TOO_DEEP
    return error.status_code, {"detail": str(cause if isinstance(cause, BodyError) else error)}


def no_database(error: Exception) -> Told:
    logger.error("The database can't be reached: %s", " ".join(str(error).split()))
    return 503, {"detail": NO_DATABASE}


def no_files(error: FileStoreError) -> Told:
    """Return 507 if the disk is full; for any other failure of the file store, return 503."""
    if isinstance(error.__cause__, OSError) and error.__cause__.errno in FULL:
        return full_disk(error.__cause__)
    logger.error("%s", error)
    return 503, {"detail": "The file store can't be reached, so nothing was saved. Try again."}


def full_disk(error: OSError) -> Told:
    if error.errno not in FULL:
        raise error
    logger.error("Nothing could be saved: %s", error)
    return 507, {
        "detail": "The disk of this site is full, so nothing was saved. Tell an administrator."
    }


def too_large(_: RequestDataTooBig) -> Told:
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    words = f"The request is too large. Apart from files, the limit is {most:,} bytes."
    return 413, {"detail": words}


def as_said(status: int) -> Callable[[Exception], Told]:
    return lambda error: (status, {"detail": str(error)})


TOO_DEEP: Told = 400, {"detail": "The body is nested too deeply."}
ERRORS: dict[type[Exception], Callable[[Any], Told]] = {
    BodyError: as_said(400),
    MultiPartParserError: lambda _: (
        400,
        {"detail": "The multipart/form-data body can't be read."},
    ),
    RecursionError: lambda _: TOO_DEEP,
    SuspiciousOperation: lambda _: (400, {"detail": UNREADABLE}),
    AuthenticationError: lambda _: (401, {"detail": "Sign in, or send a valid token."}),
    ScopeError: as_said(403),
    TooManyAttemptsError: as_said(429),
    NotAllowedError: as_said(403),
    NotAskedError: as_said(403),
    NotMemberError: as_said(403),
    RemovalDeniedError: as_said(403),
    ProgramRefusedError: as_said(403),
    OperationDeniedError: as_said(403),
    ReassigningDeniedError: as_said(403),
    SignalDeniedError: as_said(403),
    Http404: lambda _: (404, {"detail": NOTHING_HERE}),
    # The row was there when the request was checked, and was removed before it was locked.
    Run.DoesNotExist: lambda _: (404, {"detail": NOTHING_HERE}),
    HumanRequest.DoesNotExist: lambda _: (404, {"detail": NOTHING_HERE}),
    UnknownProcedureError: as_said(404),
    AlreadyAnsweredError: already_answered,
    OperationRefusedError: as_said(409),
    LastMemberError: as_said(409),
    ForkRefusedError: as_said(409),
    FileGoneError: as_said(410),
    FileStoreError: no_files,
    TooLargeError: as_said(413),
    RequestDataTooBig: too_large,
    AnswerError: wrong_inputs,
    InputError: wrong_inputs,
    BrokenProcedureError: as_said(409),
    StartsStoppedError: as_said(409),
    KeyReusedError: as_said(422),
    QuotaError: as_said(429),
    ReasonError: as_said(422),
    SignalRefusedError: as_said(422),
    UnknownPlaceError: as_said(422),
    NoReplyError: as_said(422),
    MessageError: as_said(422),
    UnknownRequestError: lambda _: (404, {"detail": NOTHING_HERE}),
    ValidationError: wrong_parameters,
    HttpError: refused,
    OSError: full_disk,
    OperationalError: no_database,
    InterfaceError: no_database,
}


def tell(request: HttpRequest, error: Any) -> HttpResponse:
    """Return the response for an error.

    Its JSON has a sentence as "detail", and for some errors further fields that help to correct the
    request.
    """
    # The nearest class in the table, as Python's own handlers would choose.
    kind = next(kind for kind in type(error).__mro__ if kind in ERRORS)
    status, content = ERRORS[kind](error)
    response = api.create_response(request, content, status=status)
    if kind is AuthenticationError:
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooManyAttemptsError):
        response.headers["Retry-After"] = str(error.seconds)
    if kind is QuotaError:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


for kind in ERRORS:
    api.add_exception_handler(kind, tell)
