"""The token that a program sends with a request or with the handshake of a socket."""

from dashboard.http.access_log import Scope

AUTHORIZATION, SCHEME = b"authorization", "bearer"


def bearer_token(scope: Scope) -> str:
    """Return the token in the header `Authorization: Bearer <token>`; without one, ""."""
    sent = dict(scope["headers"]).get(AUTHORIZATION, b"").decode("latin-1")
    scheme, _, token = sent.partition(" ")
    return token.strip() if scheme.lower() == SCHEME else ""
