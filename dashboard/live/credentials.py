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
"""The codes for closing a socket: the credential is invalid, or doesn't allow the stream."""
DATA = "data"
"""The form in which programs follow streams; other forms contain HTML for our own pages."""


@dataclass(frozen=True, slots=True)
class Credential:
    """The key of a browser's session, or the digest of a program's token."""

    kind: Literal["sign-in", "token"]
    key: str
    address: str = ""
    """The address of a program's connection, against which unknown tokens are counted."""

    @property
    def is_token(self) -> bool:
        return self.kind == "token"

    def allows(self, form: str) -> bool:
        """Return True if this credential may be used to follow streams in this form."""
        return form == DATA or not self.is_token


@dataclass(frozen=True, slots=True)
class Refusal:
    """The code with which a socket is closed and, for programs, the reason as a sentence."""

    code: int = SIGNED_OUT
    words: str = ""


UNKNOWN = Refusal(SIGNED_OUT, "This token is unknown, or it has expired or been revoked.")


@dataclass(slots=True)
class Holders:
    """The users whose credentials are valid now, and the refusals of all other credentials."""

    users: dict[Credential, User] = field(default_factory=dict)
    refusals: dict[Credential, Refusal] = field(default_factory=dict)

    def refusal(self, credential: Credential) -> Refusal:
        return self.refusals.get(credential, Refusal())


class Credentials:
    """A reader of credentials, which reads those of all open sockets together."""

    def __init__(self) -> None:
        self._sign_ins = SignIns()

    def read(self, credentials: Collection[Credential]) -> Holders:
        """Read the holders of the credentials, by a fixed number of queries."""
        holders = Holders()
        if sign_ins := [one for one in credentials if not one.is_token]:
            found = self._sign_ins.read([one.key for one in sign_ins])
            holders.users = {one: found[one.key] for one in sign_ins if one.key in found}
        if tokens := [one for one in credentials if one.is_token]:
            _add_programs(holders, tokens)
        return holders

    def keep(self, credentials: Collection[Credential]) -> None:
        """Forget what was read about any credential that isn't among these."""
        self._sign_ins.keep([one.key for one in credentials if not one.is_token])


def credential_of(scope: Scope) -> Credential | None:
    """Return the credential in a socket's handshake, or None; a token is preferred to a cookie."""
    if token := bearer_token(scope):
        address = (scope.get("client") or [""])[0]
        return Credential("token", digest_of(token), address)
    cookies = b"; ".join(text for name, text in scope["headers"] if name == b"cookie")
    key = parse_cookie(cookies.decode("latin-1")).get(settings.SESSION_COOKIE_NAME, "")
    return Credential("sign-in", key) if is_session_key(key) else None


def _add_programs(holders: Holders, credentials: Collection[Credential]) -> None:
    """Add the users of valid tokens with the scope `read`, and a refusal for each other token."""
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
