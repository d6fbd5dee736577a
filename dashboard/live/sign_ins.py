"""The people who are signed in.

Two queries read them for many session keys, and a third one where staff need second factors.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth import (
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    SESSION_KEY,
    get_user_model,
    load_backend,
)
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from dashboard.accounts.second_factor import is_missing, kept_factors
from procedures.among import is_among
from procedures.users import User, users

LONGEST_KEY = 40
"""The maximum number of characters of a session key in Django's table."""


@dataclass(slots=True)
class Claim:
    """The contents of a session: the user it names, and a hash of the user's password.

    If the user has changed the password since, the hash doesn't match, and the session isn't valid.
    """

    text: str
    """The session's signed text, as it is stored. The other fields were read from it."""
    user: Any
    backend: str
    password_hash: str
    content: dict[str, Any]
    """The session itself, which tells if its user has used a second factor."""
    proven_by: str = ""
    """The user's password hash when the session's hash was last found to match; "" if it didn't."""


class SignIns:
    """A reader of the sign-ins of open pages.

    A session is decoded again only if its stored text has changed since the last reading.
    """

    def __init__(self) -> None:
        self._claims: dict[str, Claim] = {}

    def read(self, keys: Collection[str]) -> dict[str, User]:
        """Return the active users by the keys of their sessions.

        Keys of invalid sessions are missing.
        """
        claims = self._read_claims(keys)
        people = _people({(claim.user, claim.backend) for claim in claims.values()})
        factors = kept_factors(people.values())
        found = {}
        for key, claim in claims.items():
            user = people.get((claim.user, claim.backend))
            if user is None or is_missing(user, claim.content, factors):
                continue
            if _has_same_password(user, claim):
                found[key] = user
        return found

    def keep(self, keys: Collection[str]) -> None:
        """Forget all sessions except those with these keys."""
        self._claims = {key: self._claims[key] for key in keys if key in self._claims}

    def _read_claims(self, keys: Collection[str]) -> dict[str, Claim]:
        store = SessionStore()
        is_here = is_among("session_key", keys)
        rows = store.model.objects.filter(is_here, expire_date__gt=timezone.now())
        found = {}
        for key, text in rows.values_list("session_key", "session_data"):
            claim = self._claims.get(key)
            # Checking a signature costs more than all the rest.
            if claim is None or claim.text != text:
                claim = _claim(text, store.decode(text))
            if claim is not None:
                found[key] = self._claims[key] = claim
        return found


def is_session_key(key: str) -> bool:
    """Return True if a text can be a session key. Only such texts may be used in a query.

    If a query contains a text that the database refuses, the query fails for all sockets.
    """
    return key.isascii() and key.isalnum() and len(key) <= LONGEST_KEY


def _claim(text: str, content: dict[str, Any]) -> Claim | None:
    try:
        user = get_user_model()._meta.pk.to_python(content[SESSION_KEY])  # noqa: SLF001 (Django documents it)
    except (KeyError, ValidationError):
        return None
    backend, proof = content.get(BACKEND_SESSION_KEY), content.get(HASH_SESSION_KEY)
    if backend not in settings.AUTHENTICATION_BACKENDS or not proof:
        return None
    return Claim(text, user, str(backend), str(proof), content)


def _people(claimed: Collection[tuple[Any, str]]) -> dict[tuple[Any, str], User]:
    """Return the active users whom their authentication backends accept.

    The keys are pairs of a user's primary key and the name of the backend by which the user has
    signed in.
    """
    backends = {name: load_backend(name) for _, name in claimed}
    rows = users().filter(is_among("pk", {key for key, _ in claimed}))
    stored = {user.pk: user for user in rows}
    found: dict[tuple[Any, str], User] = {}
    for key, name in claimed:
        user = _let_in(backends[name], stored.get(key))
        if user is not None and user.is_active:
            found[key, name] = user
    return found


def _let_in(backend: Any, user: User | None) -> User | None:
    if user is None:
        return None
    if type(backend).get_user is ModelBackend.get_user:
        return user if backend.user_can_authenticate(user) else None
    let_in: User | None = backend.get_user(user.pk)
    return let_in


def _has_same_password(user: User, claim: Claim) -> bool:
    # The usual hash follows from the password alone, so the same one is hashed only once.
    is_usual = type(user).get_session_auth_hash is AbstractBaseUser.get_session_auth_hash
    if is_usual and claim.proven_by and claim.proven_by == user.password:
        return True
    proofs = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    is_same = any(constant_time_compare(claim.password_hash, one) for one in proofs)
    claim.proven_by = user.password if is_same else ""
    return is_same
