"""API tokens, with which programs act as a user."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as lazy

from chat.doorbell import RIGHTS, ring_after_commit
from dashboard.models.trail import note
from procedures.among import is_among
from procedures.store.compiled import CompiledQuery
from procedures.users import is_active

if TYPE_CHECKING:
    from procedures.users import User

USE_NOTED_EVERY = timedelta(minutes=1)
"""The minimum time between two updates of a token's `last_used_at`.

So most requests with a token write nothing.
"""


class Scope(models.TextChoices):
    """A scope of a token: what a program may do with the token, if the token's user may do it."""

    READ = "read", lazy("Read procedures, runs, requests and files")
    ASK = "ask", lazy("Ask people through the procedures “ask” and “outside”")
    START = "start", lazy("Start runs and send them signals")
    ANSWER = "answer", lazy("Answer requests, open chat sessions and write messages")
    OPERATE = (
        "operate",
        lazy("Cancel, pause, retry, restart and fork runs; change chat sessions"),
    )


NEW_TOKEN = (Scope.READ, Scope.ASK)
"""The default scopes of a new token."""


class ScopeError(Exception):
    """The error for a valid token whose scopes don't cover the request."""

    def __init__(self, needed: set[Scope], token: "ApiToken") -> None:
        has = ", ".join(token.scopes) or "none"
        lacking = " and ".join(sorted(needed - set(token.scopes)))
        super().__init__(
            f"This request needs the scope {lacking}. The token has: {has}. "
            "Create a token with that scope on your profile page."
        )


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def usable(self) -> Self:
        """Return the tokens that are neither revoked nor expired, and whose users are active."""
        unexpired = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
        return self.filter(unexpired, is_active("user__"), revoked_at=None)

    def among(self, digests: Iterable[str]) -> Self:
        """Return the tokens with these digests; the query sends all digests as one parameter."""
        return self.filter(is_among("digest", digests))

    def by_digest(self, digests: Iterable[str]) -> "dict[str, ApiToken]":
        """Return the tokens with these digests, by digest; each has its user loaded."""
        found = self.among(digests).order_by().select_related("user")
        return {token.digest: token for token in found}

    def revoke(self) -> int:
        """Revoke the tokens; return how many of them weren't revoked before."""
        count = self.filter(revoked_at=None).update(revoked_at=timezone.now())
        ring_after_commit(RIGHTS)
        return count

    def note_use(self) -> None:
        """Set `last_used_at` of the tokens to now, except where it was set in the last minute.

        If several processes do so at the same time, only one of them writes.
        """
        now = timezone.now()
        stale = Q(last_used_at=None) | Q(last_used_at__lte=now - USE_NOTED_EVERY)
        self.filter(stale).update(last_used_at=now)


class ApiToken(models.Model):
    """An API token, with which a program acts as its user.

    Only a digest is stored, so the token itself is shown only once.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    name = models.CharField(
        max_length=80, blank=True, default="", help_text=lazy("The program that uses the token.")
    )
    scopes = models.JSONField(default=list, help_text=lazy("What the token allows."))
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=8, help_text=lazy("The first characters of the token."))
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["user", "-pk"]
        verbose_name, verbose_name_plural = lazy("API token"), lazy("API tokens")

    def __str__(self) -> str:
        return f"{self.program} of {self.user}"

    @classmethod
    def find(cls, token: str) -> "ApiToken | None":
        """Return the token with this text if it can be used, or None."""
        found = BY_DIGEST.get(digest_of(token))
        return None if found is None or found.is_expired else found

    @classmethod
    def create_for(
        cls,
        user: "User",
        *,
        name: str = "",
        scopes: Iterable[str] = NEW_TOKEN,
        expires_at: datetime | None = None,
        by: "User | str | None" = None,
    ) -> str:
        """Create a token and return its text, which can't be read again later.

        `by` is the person, or the part of the system, who creates the token; by default, it is the
        token's own user.
        """
        token, wanted = secrets.token_urlsafe(32), set(scopes)
        made = cls.objects.create(
            user=user,
            name=name,
            scopes=[str(scope) for scope in Scope if scope in wanted],
            digest=digest_of(token),
            hint=token[:6],
            expires_at=expires_at,
        )
        note(by or user, f"Created the token {made}.", about=made)
        return token

    @property
    def program(self) -> str:
        """The name of the program that uses the token, or else the token's first characters."""
        return self.name or f"{self.hint}…"

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def state(self) -> str:
        if self.revoked_at:
            return "revoked"
        return "expired" if self.is_expired else "active"

    def require(self, needed: set[Scope]) -> None:
        """Raise `ScopeError` unless the token has these scopes."""
        if not needed <= set(self.scopes):
            raise ScopeError(needed, self)

    def note_use(self) -> None:
        """Set `last_used_at` to now, unless it was set in the last minute."""
        now = timezone.now()
        if self.last_used_at and now - self.last_used_at < USE_NOTED_EVERY:
            return
        ApiToken.objects.filter(pk=self.pk).note_use()


def _by_digest(digest: str) -> "models.QuerySet[ApiToken]":
    found = ApiToken.objects.filter(is_active("user__"), digest=digest, revoked_at=None)
    return found.order_by().select_related("user")


BY_DIGEST = CompiledQuery(_by_digest)
"""A query for the unrevoked token with a digest, if its user is active."""


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
