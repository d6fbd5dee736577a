"""The credentials with which sockets are opened: a browser's sign-in, or a program's token."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

from django.conf import settings
from django.http import parse_cookie

from dashboard.http.access_log import Scope
from dashboard.http.bearer import bearer_token
from dashboard.live.sign_ins import SignIns, is_session_key
from dashboard.models import ApiToken
from dashboard.models.token import Scope as TokenScope
from dashboard.models.token import ScopeError, digest_of
from procedures.users import User

SIGNED_OUT, NOT_ALLOWED = 4401, 4403
"""The WebSocket close codes for an invalid credential, and for a token without the scope `read`."""
DATA = "data"
"""The form of frames in which programs follow streams.

Frames of other forms contain HTML for pages.
"""


@dataclass(frozen=True, slots=True)
class Credential:
    """The proof of identity of a socket: a key of a browser's session, or the digest of a token."""

    kind: Literal["sign-in", "token"]
    key: str
    address: str = ""
    """The address from which a program connects. Unknown tokens are counted by this address."""

    @property
    def is_token(self) -> bool:
        return self.kind == "token"

    def allows(self, form: str) -> bool:
        """Return True if the holder of this credential may follow streams in this form.

        Programs may only use the form `data`.
        """
        return form == DATA or not self.is_token


@dataclass(frozen=True, slots=True)
class Refusal:
    """The WebSocket close code for a refused credential and, for programs, the reason in words."""

    code: int = SIGNED_OUT
    words: str = ""


UNKNOWN = Refusal(SIGNED_OUT, "This token is unknown, or it has expired or been revoked.")


@dataclass(slots=True)
class Holders:
    """The users of valid credentials, and the reasons for refusing the others."""

    users: dict[Credential, User] = field(default_factory=dict)
    refusals: dict[Credential, Refusal] = field(default_factory=dict)

    def refusal(self, credential: Credential) -> Refusal:
        return self.refusals.get(credential, Refusal())


class Credentials:
    """A reader of credentials. It reads the credentials of all open sockets together."""

    def __init__(self) -> None:
        self._sign_ins = SignIns()

    def read(self, credentials: Collection[Credential]) -> Holders:
        """Return who holds these credentials. The number of queries is fixed."""
        holders = Holders()
        if sign_ins := [one for one in credentials if not one.is_token]:
            found = self._sign_ins.read([one.key for one in sign_ins])
            holders.users = {one: found[one.key] for one in sign_ins if one.key in found}
        if tokens := [one for one in credentials if one.is_token]:
            _add_programs(holders, tokens)
        return holders

    def keep(self, credentials: Collection[Credential]) -> None:
        """Forget what was read about all credentials except these."""
        self._sign_ins.keep([one.key for one in credentials if not one.is_token])


def credential_of(scope: Scope) -> Credential | None:
    """Return the credential in a socket's handshake, or None.

    If the handshake has both a token and a cookie, the token counts.
    """
    if token := bearer_token(scope):
        address = (scope.get("client") or [""])[0]
        return Credential("token", digest_of(token), address)
    cookies = b"; ".join(text for name, text in scope["headers"] if name == b"cookie")
    key = parse_cookie(cookies.decode("latin-1")).get(settings.SESSION_COOKIE_NAME, "")
    return Credential("sign-in", key) if is_session_key(key) else None


def _add_programs(holders: Holders, credentials: Collection[Credential]) -> None:
    """Add the users of valid tokens with the scope `read` to the holders.

    For the other tokens, add the reasons for refusing them.
    """
    found = ApiToken.objects.usable().by_digest({one.key for one in credentials})
    for one in credentials:
        token = found.get(one.key)
        if token is None:
            holders.refusals[one] = UNKNOWN
            continue
        try:
            token.require({TokenScope.READ})
        except ScopeError as error:
            holders.refusals[one] = Refusal(NOT_ALLOWED, str(error))
        else:
            holders.users[one] = token.user
