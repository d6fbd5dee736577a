"""POST requests to checked external addresses, without redirects and with a time limit."""

import socket
import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from dashboard.http.deadline import Deadline, Place

SECONDS = 5
"""The maximum number of seconds from the start of the connection to the response's status."""
LARGEST_BODY = 256 * 1024
NAT64 = ip_network("64:ff9b::/96")
Address = IPv4Address | IPv6Address


class ForbiddenAddressError(Exception):
    """The host has an address to which nothing may be sent, such as one in a private network."""


class PostError(Exception):
    """The error for a POST request that failed.

    The message contains neither the address nor the content of the request.
    """

    def __init__(self, message: str, *, status: int = 0) -> None:
        self.status = status
        super().__init__(message)


def post(
    url: str,
    body: bytes,
    headers: dict[str, str],
    *,
    to_loopback: bool = False,
    seconds: float = SECONDS,
) -> None:
    """Send a POST request, and return once the receiver has responded with a status of success.

    A status of success is one from 200 to 299.

    Raises `ForbiddenAddressError`, before any connection is made, if the host has an address that
    isn't public. Raises `PostError` for any other failure. With `to_loopback`, loopback addresses
    (of this machine) are allowed, too.
    """
    if len(body) > LARGEST_BODY:
        raise PostError(f"The message is larger than {LARGEST_BODY:,} bytes.")
    parts = urlsplit(url)
    place = resolve(parts.hostname or "", _port(parts), to_loopback=to_loopback)
    connection = _connection(parts, seconds)
    try:
        with Deadline(seconds) as deadline:
            _connect(connection, parts, deadline.connect([place]))
            path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
            connection.request("POST", path, body, headers)
            status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        raise PostError(f"No response: {type(error).__name__}.") from None
    finally:
        connection.close()
    if not 200 <= status < 300:  # noqa: PLR2004 (HTTP's statuses of success)
        more = " Redirects aren't followed." if 300 <= status < 400 else ""  # noqa: PLR2004
        raise PostError(f"The receiver answered with status {status}.{more}", status=status)


def resolve(host: str, port: int, *, to_loopback: bool = False) -> Place:
    """Return the address to which a request for this host is sent.

    Raises `ForbiddenAddressError` if any address of the host isn't allowed. The host is looked up
    only once, and the connection is made to an address that was checked. So a name server can't
    first return an allowed address for the check, and then another address for the connection.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise PostError("The receiver's host can't be found.") from None
    for *_family, place in found:
        if not is_allowed(ip_address(str(place[0]).partition("%")[0]), to_loopback=to_loopback):
            raise ForbiddenAddressError("The receiver's host has an address that isn't public.")
    family, *_kind, place = found[0]
    return family, place


def is_allowed(address: Address, *, to_loopback: bool = False) -> bool:
    """Return True if requests may be sent to the address.

    Public addresses are allowed. Loopback addresses (of this machine) are allowed only with
    `to_loopback`.
    """
    inner = _inside(address)
    if inner is not None:
        return is_allowed(inner, to_loopback=to_loopback)
    if address.is_loopback:
        return to_loopback
    return address.is_global and not address.is_multicast and not address.is_reserved


def is_allowed_host(host: str, *, to_loopback: bool = False) -> bool:
    """Return False for a host that `resolve` would refuse for its name or address alone.

    The host isn't looked up, so True doesn't mean that `resolve` will allow it.
    """
    if host == "localhost":
        return to_loopback
    try:
        return is_allowed(ip_address(host), to_loopback=to_loopback)
    except ValueError:
        return True


def _inside(address: Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address contains, or None if it contains none."""
    if isinstance(address, IPv4Address):
        return None
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _connection(parts: SplitResult, seconds: float) -> HTTPConnection:
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    return kind(parts.hostname or "", _port(parts), timeout=seconds)


def _connect(connection: HTTPConnection, parts: SplitResult, sock: socket.socket) -> None:
    connection.sock = sock
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection.sock = context.wrap_socket(sock, server_hostname=parts.hostname)
