"""The origins whose pages may open the live socket: only the site itself, with the same port."""

import logging
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from dashboard.http.access_log import Application, Receive, Scope, Send
from dashboard.http.bearer import bearer_token

PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443"}
LOCAL = [".localhost", "127.0.0.1", "[::1]"]
logger = logging.getLogger(__name__)


class OwnOrigin:
    """An ASGI wrapper that refuses WebSockets from pages of other origins.

    The port must be the same too, because all ports of a host share their cookies. A program with a
    token needs no `Origin` header. Browsers send cookies by themselves, but never a token, so no
    foreign page can misuse one.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        origin, host = (headers.get(name, b"").decode("latin-1") for name in (b"origin", b"host"))
        fault = "" if bearer_token(scope) else fault_of(origin, host)
        if fault:
            logger.warning("A live socket was refused: %s", fault)
            await send({"type": "websocket.close"})
        else:
            await self._application(scope, receive, send)


def fault_of(origin: str, host: str) -> str:
    """Return why a page of this origin may not open a socket on this host; "" if the page may."""
    if not origin:
        return "there is no Origin header, and only pages of this site may open it."
    scheme, _, place = origin.partition("://")
    hosts = settings.ALLOWED_HOSTS or (LOCAL if settings.DEBUG else [])
    if not validate_host(split_domain_port(place)[0], hosts):
        return f"{origin!r} isn't in ALLOWED_HOSTS."
    if origin in settings.CSRF_TRUSTED_ORIGINS or with_port(place, scheme) == with_port(
        host, scheme
    ):
        return ""
    return (
        f"the page comes from {origin!r}, and the request is for the host {host!r}. "
        "If a proxy rewrites Host, make it pass on the original Host, or set SITE_URL to the "
        "site's address."
    )


def with_port(place: str, scheme: str) -> str:
    """Return a host with its port. A host without a port gets the default port of the scheme."""
    try:
        url = urlsplit(f"//{place}")
        port = url.port
    except ValueError:
        return place
    return f"{url.hostname}:{port or PORTS.get(scheme, '')}"
