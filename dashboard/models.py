"""Tokens with which programs act as a user."""

import hashlib
import secrets

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def user_of(self, token: str) -> User | None:
        """The active user a token acts as."""
        found = self.filter(digest=digest_of(token), user__is_active=True)
        row = found.select_related("user").first()
        return row.user if row else None


class ApiToken(models.Model):
    """Lets a program act as its user. Only a digest is kept: the token is shown once."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=8, help_text="How the token begins.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["user", "-pk"]

    def __str__(self) -> str:
        return f"{self.hint}… of {self.user}"

    @classmethod
    def create_for(cls, user: User) -> str:
        """A new token: this is the only time it can be read."""
        token = secrets.token_urlsafe(32)
        cls.objects.create(user=user, digest=digest_of(token), hint=token[:6])
        return token


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
