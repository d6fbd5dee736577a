"""Admin pages that show what a change would break before the change is saved.

The change is made in a transaction, its consequences are found, and the transaction is rolled back.
The warning page submits the same form again, together with a digest of the consequences that the
page has shown. So each form, deletion or action on many rows is judged by its effects, not by the
fields that it changes.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeVar

from django.contrib.messages.storage import default_storage
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from dashboard.admin.logged import EditorAdmin
from dashboard.admin.quick import Admin
from dashboard.admin.viewer import rendered, viewing
from procedures.store.named_locks import lock_name

T = TypeVar("T")
CONFIRMED = "confirmed"
"""The form field with a digest of the consequences that the user has confirmed."""


class AffectedObject(NamedTuple):
    """An object that a change would break, with the address of the object's page if one exists."""

    text: str
    url: str = ""


class LossRow(NamedTuple):
    """A row of a warning: objects to which a change would do the same."""

    things: Sequence[AffectedObject]
    note: str
    """A sentence that says what would happen to these objects."""
    more: str = ""
    """A sentence that says how many more objects there are."""


class Consequence(NamedTuple):
    """A part of a warning: a heading, a remedy, and rows of objects that a change would break."""

    heading: str
    remedy: str
    rows: Sequence[LossRow]
    more: str = ""
    """A sentence about the rows that aren't listed."""


class FoundConsequences(Protocol):
    """The consequences of a change that one of the `watches` has found."""

    @property
    def key(self) -> str:
        """A text that stands for what a user confirms.

        Findings with the same key count as confirmed by the same confirmation.
        """

    def consequences(self, user: Any) -> list[Consequence]:
        """Return the consequences to show to this user, who may not be allowed to see every row."""


Watch = Callable[[], Callable[[], FoundConsequences | None]]
watches: list[Watch] = []
"""Functions that are each called before a change is tried.

Each returns another function, which is called after the change. It returns the
`FoundConsequences`, or None if the change breaks nothing. Modules in higher layers add their own
functions to this list.
"""


class CarefulAdmin(EditorAdmin):
    """An admin that asks for a confirmation if a change would break something elsewhere."""

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        view = super().changeform_view
        return try_first(self, request, lambda: view(request, object_id, form_url, extra_context))

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        view = super().delete_view
        return try_first(self, request, lambda: view(request, object_id, extra_context))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        view = super().changelist_view
        return try_first(self, request, lambda: view(request, extra_context))


def try_first(admin: Admin, request: HttpRequest, act: Callable[[], HttpResponse]) -> HttpResponse:
    """Process the request, or show a warning.

    If the request has consequences that nobody has confirmed, all that it has changed is rolled
    back.
    """
    if request.method != "POST":
        return act()
    return confirmed_first(request, act, partial(_warning, admin, request))


def confirmed_first(
    request: HttpRequest,
    act: Callable[[], HttpResponse],
    warn: Callable[[Sequence[FoundConsequences]], HttpResponse],
) -> HttpResponse:
    """Return what `act` returns, or undo what `act` has changed and return a warning.

    The changes are undone if they have consequences that the request doesn't confirm. `warn` gets
    findings with these consequences, and returns the warning.
    """
    response, found = tried(act, undo=lambda found: not is_confirmed(request, found))
    if response is not None:
        return response
    _forget_messages(request)
    return warn(found)


def tried(
    act: Callable[[], T], *, undo: Callable[[Sequence[FoundConsequences]], bool]
) -> tuple[T | None, list[FoundConsequences]]:
    """Call `act` in a transaction; roll back if `undo` returns True for the consequences found.

    Returns a pair: the value that `act` returned, or None after a rollback; and the consequences.
    """
    with transaction.atomic():
        # Of several simultaneous changes, each is tried after the one before it. Otherwise, two
        # changes that each remove one of the last two people of a group would both find that one
        # person is left.
        lock_name("careful acts")
        # This comes after the lock, or two simultaneous changes would each count on what the other
        # one is about to remove.
        looks = [watch() for watch in watches]
        # An inner block, not an explicit savepoint: Django forgets the act's `on_commit` functions,
        # which would send mails about changes that weren't made, only if it rolls back a block.
        with transaction.atomic():
            done = act()
            found = [finding for finding in (look() for look in looks) if finding]
            if not undo(found):
                return done, found
            transaction.set_rollback(True)
    return None, found


def is_confirmed(request: HttpRequest, found: Sequence[FoundConsequences]) -> bool:
    """Return True if there are no findings, or if the request confirms exactly these findings."""
    return not found or request.POST.get(CONFIRMED) == key_of(found)


def key_of(found: Sequence[FoundConsequences]) -> str:
    """Return a digest of findings, which a page sends back to confirm them."""
    return hashlib.sha256("\n".join(one.key for one in found).encode()).hexdigest()


def consequences_of(found: Sequence[FoundConsequences], user: Any) -> list[Consequence]:
    """Return the consequences of all findings, as they are shown to this user."""
    return [one for finding in found for one in finding.consequences(user)]


def sent_again(
    request: HttpRequest, found: Sequence[FoundConsequences], *, shown: Iterable[str] = ()
) -> list[tuple[str, str]]:
    """Return the hidden fields, as pairs, with which a page sends a form again and confirms it.

    They are the fields of the request, without those in `shown`, which the page shows to be filled
    in, and a confirmation of the findings.
    """
    left_out = {"csrfmiddlewaretoken", CONFIRMED, *shown}
    sent = [(name, values) for name, values in request.POST.lists() if name not in left_out]
    fields = [(name, str(value)) for name, values in sent for value in values]
    return [*fields, (CONFIRMED, key_of(found))]


def _forget_messages(request: HttpRequest) -> None:
    """Drop the messages to the user that were queued by changes that were then rolled back."""
    request._messages = default_storage(request)  # type: ignore[attr-defined]  # noqa: SLF001


def _warning(
    admin: Admin, request: HttpRequest, found: Sequence[FoundConsequences]
) -> HttpResponse:
    is_deletion = request.path.endswith("/delete/") or request.POST.get("action") == DELETE
    with viewing(request.user):
        context = {
            **admin.admin_site.each_context(request),
            "title": _("Nothing has been deleted yet")
            if is_deletion
            else _("Nothing has been saved yet"),
            "opts": admin.opts,
            "consequences": consequences_of(found, request.user),
            "sent": sent_again(request, found),
            "is_deletion": is_deletion,
            "lead": _("Deleting this has these consequences:")
            if is_deletion
            else _("Saving this has these consequences:"),
            "media": admin.media,
        }
        page = TemplateResponse(request, "procedures/admin_consequences.html", context)
        return rendered(page)


DELETE = "delete_selected"
"""The name of Django's own action that deletes the selected rows."""
