"""POST requests to checked external addresses, without redirects and with a time limit."""

import socket
import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from threading import Timer
from typing import Any
from urllib.parse import SplitResult, urlsplit

SECONDS = 5
"""The maximum number of seconds from connecting to the status of the response."""
LARGEST_BODY = 256 * 1024
NAT64 = ip_network("64:ff9b::/96")
Address = IPv4Address | IPv6Address
Place = tuple[socket.AddressFamily, Any]
"""A resolved address: its family, and the argument to connect a socket of that family."""


class ForbiddenAddressError(Exception):
    """The host has an address to which nothing may be sent, such as one in a private network."""


class PostError(Exception):
    """A post that wasn't accepted; the message contains no address and no content."""

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
    """Post a body, and return once the receiver has answered with a status of success.

    Raises `ForbiddenAddressError` before it connects if the host has a forbidden address, and
    `PostError` for any other failure. `to_loopback` allows addresses of this machine.
    """
    if len(body) > LARGEST_BODY:
        raise PostError(f"The message is larger than {LARGEST_BODY:,} bytes.")
    parts = urlsplit(url)
    place = resolve(parts.hostname or "", _port(parts), to_loopback=to_loopback)
    connection = _connection(parts, seconds)
    # The alarm limits the whole exchange, so that a receiver can't hold it by a byte a second.
    alarm = Timer(seconds, _cut, [connection])
    alarm.daemon = True
    alarm.start()
    try:
        _connect(connection, parts, place)
        path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        connection.request("POST", path, body, headers)
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        raise PostError(f"No answer: {type(error).__name__}.") from None
    finally:
        alarm.cancel()
        connection.close()
    if not 200 <= status < 300:  # noqa: PLR2004 (HTTP's statuses of success)
        more = " Redirects aren't followed." if 300 <= status < 400 else ""  # noqa: PLR2004
        raise PostError(f"The receiver answered with status {status}.{more}", status=status)


def resolve(host: str, port: int, *, to_loopback: bool = False) -> Place:
    """Return the address to connect to; raises `ForbiddenAddressError` if one isn't allowed.

    The host is looked up only once, and the connection is made to an address that was checked. So a
    name server can't pass the check and then return another address.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise PostError("The receiver's host can't be found.") from None
    for *_family, place in found:
        if not is_allowed(ip_address(str(place[0]).partition("%")[0]), to_loopback=to_loopback):
            raise ForbiddenAddressError("The receiver's host has a forbidden address.")
    family, *_kind, place = found[0]
    return family, place


def is_allowed(address: Address, *, to_loopback: bool = False) -> bool:
    """Return True for a public address, and for one of this machine if `to_loopback` is set."""
    inner = _inside(address)
    if inner is not None:
        return is_allowed(inner, to_loopback=to_loopback)
    if address.is_loopback:
        return to_loopback
    return address.is_global and not address.is_multicast and not address.is_reserved


def is_allowed_host(host: str, *, to_loopback: bool = False) -> bool:
    """Return False for the name or the address of a host that `resolve` would surely refuse."""
    if host == "localhost":
        return to_loopback
    try:
        return is_allowed(ip_address(host), to_loopback=to_loopback)
    except ValueError:
        return True


def _inside(address: Address) -> IPv4Address | None:
    """Return the IPv4 address that is embedded in an IPv6 address, or None."""
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


def _connect(connection: HTTPConnection, parts: SplitResult, place: Place) -> None:
    family, address = place
    connection.sock = socket.socket(family, socket.SOCK_STREAM)
    connection.sock.settimeout(connection.timeout)
    connection.sock.connect(address)
    if parts.scheme == "https":
        context = ssl.create_default_context()
        # The handshake is separate, so that the alarm can close the socket on which it waits.
        connection.sock = context.wrap_socket(
            connection.sock, server_hostname=parts.hostname, do_handshake_on_connect=False
        )
        connection.sock.do_handshake()


def _cut(connection: HTTPConnection) -> None:
    if connection.sock is not None:
        try:
            connection.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return
