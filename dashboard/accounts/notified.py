"""A context manager that keeps push notifications on when a session gets a new key."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.http import HttpRequest

from dashboard.models import PushSubscription
from procedures.users import User


@contextmanager
def staying_notified(request: HttpRequest, user: User) -> Iterator[None]:
    """Keep a person's push notifications on while the code in the block changes the session's key.

    A sign-in and a changed password do so. Django deletes the earlier session, and with it the
    browser's push subscription. The subscription is created again only if the new session belongs
    to the same person.
    """
    here = PushSubscription.objects.of(user).filter(sign_in__session=request.session.session_key)
    found = here.first()
    yield
    sign_in = user.sign_ins.filter(session=request.session.session_key).first()
    if found and sign_in and not PushSubscription.objects.filter(digest=found.digest).exists():
        found.pk, found.sign_in, since = None, sign_in, found.created_at
        found.save(force_insert=True)
        found.created_at = since  # which the insert has set to now
        found.save(update_fields=["created_at"])
