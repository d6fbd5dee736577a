"""IP addresses as servers and proxies name them."""

import ipaddress
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@lru_cache(maxsize=1024)
def read_address(text: str) -> Address | None:
    """Return the address in a text such as "[::1]:8000", or None if the text has no address.

    The interface of a link-local address such as `fe80::1%eth0` is left out, because databases
    can't store it.
    """
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
