"""The settings that both clients share."""

from urllib.parse import urlsplit

OPEN_TIMEOUT = 10


class Site:
    """The address of a site and the token for it; the token isn't in the `repr`."""

    def __init__(self, address: str, token: str) -> None:
        if not _is_address(address):
            raise ValueError("Give the site's address, such as https://sign.example.")
        if not _is_token(token):
            raise ValueError("Give the token exactly as the site showed it.")
        self.address = address.rstrip("/")
        self.headers = {"Authorization": f"Bearer {token.strip()}"}

    def __repr__(self) -> str:
        return f"Site({self.address!r})"

    @property
    def api(self) -> str:
        """The address of the API."""
        return f"{self.address}/api/"

    @property
    def live(self) -> str:
        """The address of the WebSocket."""
        return f"ws{self.address.removeprefix('http')}/live"


def _is_token(token: object) -> bool:
    is_text = isinstance(token, str) and bool(token.strip())
    return is_text and str(token).isascii() and str(token).isprintable()


def _is_address(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:  # an IPv6 address without its bracket, for example
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and not parts.username
