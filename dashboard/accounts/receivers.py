"""Receivers of Django's signals when somebody signs in, or is deactivated or reactivated."""

from collections.abc import Collection
from typing import Any

from django.contrib.auth.models import Group
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save
from django.http import HttpRequest

from chat.doorbell import RIGHTS, ring_after_commit
from dashboard.accounts.leaving import end_all_sign_ins
from dashboard.accounts.names import keep_name, keep_name_of_the_deleted
from dashboard.models import ApiToken
from dashboard.models.links import end_links
from dashboard.models.sign_in import SignIn, note_sign_in
from dashboard.models.trail import note_failed, note_signed_in
from procedures.models import Grant
from procedures.users import User, has_user_field, users


def connect() -> None:
    user_logged_in.connect(keep_sign_in)
    user_login_failed.connect(keep_failure)
    if has_user_field("is_active"):
        pre_save.connect(rotate_credentials, sender=User)
    for changed in (post_save, post_delete):
        changed.connect(tell_of_rights, sender=Grant)
        changed.connect(tell_of_rights, sender=ApiToken)
    # A system check says what such users lack.
    if has_user_field("groups"):
        m2m_changed.connect(tell_of_rights, sender=users().model.groups.through)
    post_delete.connect(tell_of_rights, sender=SignIn)
    for model in (User, Group):
        pre_save.connect(keep_name, sender=model)
        pre_delete.connect(keep_name_of_the_deleted, sender=model)


def tell_of_rights(**_: Any) -> None:
    """Make all web processes check the rights of their open sockets after this commit."""
    ring_after_commit(RIGHTS)


def keep_sign_in(request: HttpRequest, user: User, **_: Any) -> None:
    note_sign_in(request, user)
    end_links(user)
    note_signed_in(user)


def keep_failure(credentials: dict[str, Any], **_: Any) -> None:
    note_failed(str(credentials.get("username", "")))


def rotate_credentials(
    instance: User, *, raw: bool = False, update_fields: Collection[str] | None = None, **_: Any
) -> None:
    """End the sessions, tokens and links of a user who is being deactivated or reactivated.

    Django calls this before it saves the row. So no session, token or link from the time before the
    deactivation works after the reactivation.
    """
    if raw or not (update_fields is None or "is_active" in update_fields):
        return
    was_active = users().filter(pk=instance.pk).values_list("is_active", flat=True).first()
    if was_active is not None and was_active != instance.is_active:
        end_all_sign_ins(instance)
