"""What the site keeps when Django tells that somebody signs in."""

from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest

from dashboard.models.sign_in import note_sign_in


def connect() -> None:
    user_logged_in.connect(keep_sign_in)


def keep_sign_in(request: HttpRequest, user: User, **_: Any) -> None:
    note_sign_in(request, user)
