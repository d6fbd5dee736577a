"""The token that a program sends with a request or with the handshake of a socket."""

from dashboard.http.access_log import Scope

AUTHORIZATION, SCHEME = b"authorization", "bearer"


def bearer_token(scope: Scope) -> str:
    """Return the token in the header `Authorization: Bearer <token>`; without one, ""."""
    return token_in(dict(scope["headers"]).get(AUTHORIZATION, b"").decode("latin-1"))


def token_in(header: str) -> str:
    """Return the token in this value of the header `Authorization`; without one, ""."""
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == SCHEME else ""
