"""The scopes that API tokens need, by route."""

from django.http import HttpRequest

from dashboard.models import ApiToken, Scope

ASKING = {"ask", "outside"}
"""The procedures that a token with the scope `ask` may start."""
ROUTES = {
    "start_run": Scope.START,
    "send_signal": Scope.START,
    "create_response": Scope.ANSWER,
    "create_file": Scope.ANSWER,
    "create_answer": Scope.ANSWER,
}
"""The scope needed by each route that changes something; routes not listed need `operate`."""
NEW_RUNS = {"restart_run", "fork_run"}
"""Routes that also start a run, so a token needs the scope `start` too."""


class ScopeError(Exception):
    """The error for a valid token whose scopes don't cover the request."""

    def __init__(self, needed: set[Scope], token: ApiToken) -> None:
        has = ", ".join(token.scopes) or "none"
        lacking = " and ".join(sorted(needed - set(token.scopes)))
        super().__init__(
            f"This request needs the scope {lacking}. The token has: {has}. "
            "Create a token with that scope on your profile page."
        )


def check_scope(request: HttpRequest, token: ApiToken) -> None:
    """Raise `ScopeError` if the token's scopes do not cover the request."""
    needed = scopes_needed(request)
    is_asking = needed == {Scope.START} and Scope.ASK in token.scopes and asks(request)
    if not needed <= set(token.scopes) and not is_asking:
        raise ScopeError(needed, token)


def scopes_needed(request: HttpRequest) -> set[Scope]:
    if request.method in {"GET", "HEAD"}:
        return {Scope.READ}
    route = request.resolver_match.url_name if request.resolver_match else ""
    if route in NEW_RUNS:
        return {Scope.OPERATE, Scope.START}
    return {ROUTES.get(route or "", Scope.OPERATE)}


def asks(request: HttpRequest) -> bool:
    """Return True if the request starts one of the procedures in `ASKING`."""
    match = request.resolver_match
    is_start = match is not None and match.url_name == "start_run"
    return is_start and match is not None and match.kwargs.get("name") in ASKING
