"""Rules for names of people and groups, which old answers and the code of procedures contain."""

import unicodedata
from collections.abc import Collection
from typing import Any

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from chat.models import HumanRequest
from dashboard.models.former_name import FormerName
from procedures.engine.declaration.roles import beginning_of_target
from procedures.engine.values.visible import visible_line
from procedures.models import Signal
from procedures.services.acts import is_named_in_journals
from procedures.users import User, name_field

WORDS = ("system", "the system", "the clock", "a worker")
"""The names that journals show for events that no person caused, so no person can have them."""
Kind = FormerName.Kind
OTHERS = lazy("The history couldn't tell the two apart. Choose another name.")


def language_fault(name: str) -> str:
    """Return why a name can't be used because of its characters or words, or "" if it can be.

    For example, "system" would be misread in a journal, and "group:finance" in `assign=`.
    """
    if visible_line(name) != name:
        return _(
            "A name can't contain invisible characters, because it would look like another name."
        )
    plain = unicodedata.normalize("NFKC", name).strip().casefold()
    if plain in WORDS:
        return _("In the journal, “{name}” stands for the system. Choose another name.").format(
            name=name
        )
    if one := beginning_of_target(name):
        return _(
            "A name can't begin with “{word}”, which has a special meaning in assignments."
        ).format(word=one)
    return ""


def history_fault(kind: str, name: str, pk: Any) -> str:
    """Return why a name is reserved for somebody who had it earlier, or "" if it isn't reserved.

    `pk` is the key of the person or group that is to get the name; None if the row is new.
    """
    held = FormerName.objects.filter(kind=kind, name__iexact=name).exclude(held_by=str(pk or 0))
    if former := held.first():
        words = _("Another user (id {number}) was once called “{name}”.")
        if kind == Kind.GROUP:
            words = _("Another group (id {number}) was once called “{name}”.")
        return " ".join([words.format(number=former.held_by, name=name), str(OTHERS)])
    if kind == Kind.USER and _is_anothers(name, pk):
        words = _("Somebody else has acted here under the name “{name}”.")
        return " ".join([words.format(name=name), str(OTHERS)])
    return ""


def _is_anothers(name: str, pk: Any) -> bool:
    """Return True if the history shows that a user other than `pk` has acted under that name.

    A name that was changed outside the forms has no `FormerName` row, so the history is searched.
    """
    answered = HumanRequest.objects.filter(closed_by__iexact=name).exclude(responses=None)
    if answered.exclude(responses__user=pk).exists():
        return True
    sent = Signal.objects.filter(sender__iexact=name).exclude(sent_by=None)
    return sent.exclude(sent_by=pk).exists() or is_named_in_journals(name, except_by=pk)


def check_name(kind: str, name: str, pk: Any) -> None:
    """Raise `ValidationError` with the reason if a person or group can't have this name."""
    if fault := language_fault(name) or history_fault(kind, name, pk):
        raise ValidationError(fault)


def keep_name(
    sender: Any,
    instance: Any,
    *,
    raw: bool = False,
    update_fields: Collection[str] | None = None,
    **_kwargs: Any,
) -> None:
    """Check a user's or group's new name before the row is saved, and reserve the previous name."""
    kind, field = (Kind.USER, name_field()) if sender is User else (Kind.GROUP, "name")
    if raw or not (update_fields is None or field in update_fields):
        return
    name = getattr(instance, field)
    if instance.pk is None:
        check_name(kind, name, None)
        return
    rows = sender._default_manager.filter(pk=instance.pk)  # noqa: SLF001 (Django documents it)
    before = rows.values_list(field, flat=True).first()
    if before != name:
        check_name(kind, name, instance.pk)
        if before is not None:
            FormerName.objects.create(kind=kind, name=before, held_by=str(instance.pk))


def keep_name_of_the_deleted(sender: Any, instance: User | Group, **_kwargs: Any) -> None:
    kind, name = (
        (Kind.USER, instance.get_username())
        if isinstance(instance, User)
        else (Kind.GROUP, instance.name)
    )
    FormerName.objects.create(kind=kind, name=name, held_by=str(instance.pk))
