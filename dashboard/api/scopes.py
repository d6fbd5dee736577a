"""The scopes that API tokens need for each route."""

from django.http import HttpRequest

from dashboard.models import ApiToken, Scope
from dashboard.models.token import ScopeError
from procedures.library import OUTSIDE
from procedures.models import Run

ROUTES = {
    "start_run": Scope.START,
    "create_run": Scope.ANSWER,
    "send_signal": Scope.START,
    "create_response": Scope.ANSWER,
    "create_ask_back": Scope.ANSWER,
    "delete_standing_decision": Scope.ANSWER,
    "create_file": Scope.ANSWER,
    "create_answer": Scope.ANSWER,
    "create_claim": Scope.ANSWER,
    "create_sight": Scope.ANSWER,
    "create_responses": Scope.ANSWER,
    "put_snooze": Scope.ANSWER,
    "get_draft": Scope.ANSWER,
    "list_sessions": Scope.ANSWER,
    "list_messages": Scope.ANSWER,
    "create_message_file": Scope.ANSWER,
}
"""The scope that a token needs for each route that changes something.

A route that isn't listed needs the scope `operate`. If several methods share a path, all of them
have the name of the function that is declared first for this path.
"""
OF_OWN_ANSWER = {"get_draft"}
"""Routes that read a person's own draft of an answer, for which the scope `read` isn't enough."""
OF_ANY = {"get_token"}
"""Routes that every valid token can call, whatever its scopes are."""
NEW_RUNS = {"restart_run", "fork_run", "create_run"}
"""Routes that create a run, so that a token needs the scope `start` besides that in `ROUTES`."""
OF_OWN_RUN = {"send_signal", "cancel_run"}
"""Routes for which the scope `ask` is enough if `is_of_own_run` returns True."""

PEOPLE_ONLY = {
    ("DELETE", "create_response"),
    ("POST", "list_delegations"),
    ("DELETE", "delete_delegation"),
}
"""Methods and routes that tokens can't use, because only people undo answers and appoint deputies.

Routes are named as in `ROUTES`.
"""


class PeopleOnlyError(ScopeError):
    """The error for a request with a token to a route that only signed-in people may use."""

    def __init__(self) -> None:
        Exception.__init__(self, "This can't be done with a token. Sign in and do it yourself.")


def check_scope(request: HttpRequest, token: ApiToken) -> None:
    """Raise `ScopeError` if the token lacks a scope that the request needs.

    Raise `PeopleOnlyError` if no token may make this request.
    """
    if (request.method, _route_of(request)) in PEOPLE_ONLY:
        raise PeopleOnlyError
    needed = scopes_needed(request)
    if needed <= set(token.scopes):
        return
    if Scope.ASK not in token.scopes or not (
        starts_asking(request) or is_of_own_run(request, token)
    ):
        token.require(needed)


def scopes_needed(request: HttpRequest) -> set[Scope]:
    route = _route_of(request)
    if route in OF_ANY:
        return set()
    if request.method in {"GET", "HEAD"} and route not in OF_OWN_ANSWER:
        return {Scope.READ}
    if route in NEW_RUNS:
        return {ROUTES.get(route, Scope.OPERATE), Scope.START}
    return {ROUTES.get(route, Scope.OPERATE)}


def _route_of(request: HttpRequest) -> str:
    return (request.resolver_match.url_name if request.resolver_match else "") or ""


def starts_asking(request: HttpRequest) -> bool:
    """Return True if the request starts a procedure by which external programs ask people."""
    match = request.resolver_match
    is_start = match is not None and match.url_name == "start_run"
    return is_start and match is not None and match.kwargs.get("name") in OUTSIDE


def is_of_own_run(request: HttpRequest, token: ApiToken) -> bool:
    """Return True if the request signals or cancels a run that a program of the same user started.

    The run must be of a procedure by which external programs ask people. A run that the user
    started in the browser doesn't count.
    """
    match = request.resolver_match
    if request.method != "POST" or match is None or match.url_name not in OF_OWN_RUN:
        return False
    own = Run.objects.filter(started_by=token.user_id, procedure__name__in=OUTSIDE)
    return own.exclude(program="").filter(pk=match.kwargs["run_id"]).exists()
