"""The settings that both clients share."""

from urllib.parse import urlsplit

OPEN_TIMEOUT = 10


class Site:
    """The address of a site and the token for it; the token isn't in the `repr`."""

    def __init__(self, address: str, token: str) -> None:
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.netloc or parts.username:
            raise ValueError("Give the site's address, such as https://sign.example.")
        if not token.isascii() or not token.isprintable() or not token.strip():
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
