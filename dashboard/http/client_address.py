"""The addresses of clients, which a header names if requests come through a trusted proxy."""

import ipaddress
import logging
from collections.abc import Iterable, Sequence
from functools import cache

from dashboard.http.access_log import Application, Receive, Scope, Send
from procedures.addresses import read_address
from procedures.conf import conf

FORWARDED = b"x-forwarded-for"
UNIX = "unix"
"""The name of a proxy that connects by a Unix socket. Such a proxy has no address."""
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
logger = logging.getLogger(__name__)
doubted: set[str] = set()
"""The clients that sent an X-Forwarded-For header without being a trusted proxy.

Each of them is logged only once.
"""


class ClientAddress:
    """An ASGI wrapper that trusts X-Forwarded-For only from the proxies in `TRUSTED_PROXIES`.

    Each proxy appends the address from which it got the request, so the wrapper reads the header
    from its end. The first address found in this way that doesn't belong to a trusted proxy is the
    client's. The addresses that precede it in the header may be forged.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"}:
            scope = with_client(scope, conf.TRUSTED_PROXIES)
        await self._application(scope, receive, send)


def with_client(scope: Scope, proxies: Sequence[str]) -> Scope:
    scope = without_zone(scope)
    peer = scope["client"][0] if scope.get("client") else UNIX
    claimed = [text for name, text in scope["headers"] if name.lower() == FORWARDED]
    if not is_trusted(peer, proxies):
        if claimed:
            doubt(peer)
        return without_claims(scope) if proxies else scope
    if found := client_of(b",".join(claimed).decode("latin-1").split(","), proxies):
        return {**scope, "client": [found, 0]}
    return scope


def without_zone(scope: Scope) -> Scope:
    """Remove the interface from a link-local address such as `fe80::1%eth0`.

    Databases can't store an address with an interface.
    """
    host, *port = scope.get("client") or [""]
    return {**scope, "client": [host.partition("%")[0], *port]} if "%" in host else scope


def client_of(chain: Iterable[str], proxies: Sequence[str]) -> str | None:
    """Return the last address in the chain that isn't a trusted proxy.

    The search goes from the last address back. If it reaches a text that isn't an address, or the
    beginning of the chain, the address that was read just before is returned, although it is a
    trusted proxy; None is returned if no address was read.
    """
    found = None
    for text in reversed([*chain]):
        address = read_address(text)
        if address is None:
            break
        found = str(address)
        if not is_trusted(found, proxies):
            break
    return found


def is_trusted(peer: str, proxies: Sequence[str]) -> bool:
    if peer == UNIX:
        return UNIX in proxies
    address = read_address(peer)
    if address is None:
        return False
    # A dual-stack socket reports ::ffff:10.0.0.1, which is in no IPv4 network.
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in networks(tuple(proxies)))


def without_claims(scope: Scope) -> Scope:
    """Remove the X-Forwarded headers, because only a trusted proxy may send them."""
    kept = [pair for pair in scope["headers"] if not pair[0].lower().startswith(b"x-forwarded-")]
    return {**scope, "headers": kept}


def doubt(peer: str) -> None:
    if peer not in doubted and len(doubted) < 10:  # noqa: PLR2004
        doubted.add(peer)
        logger.warning(
            "X-Forwarded-For from %s is ignored. If that is your proxy, name it in "
            "TRUSTED_PROXIES.",
            peer,
        )


@cache
def networks(proxies: tuple[str, ...]) -> list[Network]:
    return [ipaddress.ip_network(one, strict=False) for one in proxies if one != UNIX]
