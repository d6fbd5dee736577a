"""The API as a whole: its routers, and the one table from errors to answers."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

import chat.api
import procedures.api
from chat.services import AlreadyAnsweredError, NotAskedError
from dashboard.api_auth import TokenOrSession
from procedures.engine.errors import AnswerError, InputError
from procedures.inputs import BodyError, FileTooLargeError
from procedures.services import KeyReusedError, NotAllowedError, UnknownProcedureError

Told = tuple[int, dict[str, Any]]

api = NinjaAPI(
    title="Countersign",
    version="1",
    description="Start runs, follow them, answer what they ask.",
    auth=TokenOrSession(),
    urls_namespace="api",
)
api.add_router("", procedures.api.router, tags=["Procedures and runs"])
api.add_router("", chat.api.router, tags=["Requests"])


def already_answered(error: AlreadyAnsweredError) -> Told:
    request = error.request
    who = {"answered_by": request.closed_by, "answered_at": request.closed_at}
    return 409, {"detail": str(error), **who}


def wrong_inputs(error: InputError) -> Told:
    return 422, {"detail": str(error), "faults": [vars(fault) for fault in error.faults]}


def unreadable(error: ValidationError) -> Told:
    faults = [
        {"field": str(fault["loc"][-1]), "message": str(fault["msg"])} for fault in error.errors
    ]
    detail = "; ".join(f"{fault['field']}: {fault['message']}" for fault in faults)
    return 422, {"detail": detail, "faults": faults}


def as_said(status: int) -> Callable[[Exception], Told]:
    return lambda error: (status, {"detail": str(error)})


ERRORS: dict[type[Exception], Callable[[Any], Told]] = {
    BodyError: as_said(400),
    SuspiciousOperation: lambda _: (400, {"detail": "The request cannot be read."}),
    AuthenticationError: lambda _: (401, {"detail": "Sign in, or send a valid token."}),
    NotAllowedError: as_said(403),
    NotAskedError: as_said(403),
    Http404: lambda _: (404, {"detail": "There is nothing here, or not for you."}),
    UnknownProcedureError: as_said(404),
    AlreadyAnsweredError: already_answered,
    FileTooLargeError: as_said(413),
    RequestDataTooBig: lambda _: (413, {"detail": "The request is too large."}),
    AnswerError: as_said(422),
    InputError: wrong_inputs,
    KeyReusedError: as_said(422),
    ValidationError: unreadable,
    HttpError: lambda error: (error.status_code, {"detail": str(error)}),
}


def tell(request: HttpRequest, error: Any) -> HttpResponse:
    """One shape for every error: `{"detail": "a sentence"}`, with what else helps."""
    kind = next(kind for kind in type(error).__mro__ if kind in ERRORS)
    status, content = ERRORS[kind](error)
    return api.create_response(request, content, status=status)


for kind in ERRORS:
    api.add_exception_handler(kind, tell)
