"""Operations on snoozes and drafts, which people keep privately for a request."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError
from django.db.models import F

from chat.models import Draft, HumanRequest, Snooze
from chat.services.responses import AlreadyAnsweredError, NotAskedError
from procedures.engine.errors import EngineError, Fault, InputError
from procedures.engine.values import canonical
from procedures.models.clock import clock
from procedures.transactions import service_atomic
from procedures.users import User

LONGEST_SNOOZE = timedelta(days=90)
LARGEST_DRAFT = 300_000
"""The maximum length of a draft as JSON, in characters."""
Texts = Mapping[str, Sequence[str]]
"""The texts typed into a form, by field name; a checkbox or a list can have several texts.

For example, `{"amount": ["100"], "reasons": ["late", "broken"]}`.
"""


class DraftConflictError(EngineError):
    """A draft that can't be saved, because another window has changed the stored draft."""

    def __init__(self, draft: Draft | None) -> None:
        self.draft = draft
        super().__init__("Your draft was changed in another window meanwhile.")


def snooze_request(request_id: UUID, *, by: User, until: datetime) -> Snooze:
    """Hide an open request from the inbox of `by` until a time, at most 90 days ahead.

    The request's deadlines still pass, and other people can answer the request. Returns the snooze.
    Raises `NotAskedError` if `by` may not answer the request, `AlreadyAnsweredError` if the request
    is closed, and `InputError` if `until` is out of range.
    """
    request, now = _open_for(request_id, by), clock.now()
    if not now < until <= now + LONGEST_SNOOZE:
        words = f"must be in the future, at most {LONGEST_SNOOZE.days} days from now."
        raise InputError([Fault("until", words)])
    found, _ = Snooze.objects.update_or_create(request=request, user=by, defaults={"until": until})
    return found


def wake_request(request_id: UUID, *, by: User) -> None:
    """End a snooze. Calling this function is harmless if the request isn't snoozed."""
    Snooze.objects.filter(request=request_id, user=by).delete()


def draft_of(request_id: UUID, *, by: User) -> Draft | None:
    return Draft.objects.filter(request=request_id, user=by).first()


@service_atomic
def save_draft(request_id: UUID, *, by: User, values: Texts, version: int = 0) -> Draft:
    """Save the texts that `by` has typed as their draft of an answer, and return the draft.

    `version` is the version of the stored draft that the person has seen, or 0 if they have seen
    none. Raises `DraftConflictError`, which has the stored draft, if the stored draft has another
    version. To replace the stored draft anyway, save again with its version. Raises `NotAskedError`
    if the person may not answer the request, `AlreadyAnsweredError` if the request is closed, and
    `InputError` if the texts are too large or can't be stored.
    """
    request, text = _open_for(request_id, by), _text_of(values)
    # Drafts of closed requests are deleted, because nobody needs them. A held answer may still be
    # undone, so its draft stays.
    closed = Draft.objects.filter(user=by, request__effective_at=None)
    closed.exclude(request__status=HumanRequest.Status.OPEN).delete()
    given = {"values": text, "at": clock.now()}
    if version:
        mine = Draft.objects.filter(request=request, user=by, version=version)
        is_saved = mine.update(version=version + 1, **given) == 1
    else:
        is_saved = _insert(Draft(request=request, user=by, **given))
    found = draft_of(request_id, by=by)
    if not is_saved or found is None:
        raise DraftConflictError(found)
    return found


def keep_sent(request_id: UUID, *, by: User, values: Texts) -> None:
    """Keep the texts of a sent form as a draft.

    A person who undoes the answer finds the texts in the form again. A form that is too large to be
    a draft isn't kept.
    """
    try:
        given = {"values": _text_of(values), "at": clock.now()}
    except InputError:
        drop_draft(request_id, by=by)
        return
    mine = Draft.objects.filter(request=request_id, user=by)
    if not mine.update(version=F("version") + 1, **given):
        _insert(Draft(request_id=request_id, user=by, **given))


def drop_draft(request_id: UUID, *, by: User) -> None:
    """Delete the draft that `by` has for a request, if there is one."""
    Draft.objects.filter(request=request_id, user=by).delete()


def _insert(draft: Draft) -> bool:
    try:
        with service_atomic:
            draft.save(force_insert=True)
    except IntegrityError:
        return False
    return True


def _text_of(values: Texts) -> str:
    try:
        text = canonical.text_of({name: list(texts) for name, texts in values.items()})
    except (TypeError, ValueError):
        raise InputError([Fault("values", "contains characters that can't be stored.")]) from None
    if len(text) > LARGEST_DRAFT:
        words = f"has {len(text):,} characters; the limit is {LARGEST_DRAFT:,}."
        raise InputError([Fault("values", words)])
    return text


def _open_for(request_id: UUID, user: User) -> HumanRequest:
    """Return the request if it is open and the user may answer it; otherwise, raise an error."""
    request = HumanRequest.objects.select_related("wait__run").get(pk=request_id)
    if not request.is_open:
        raise AlreadyAnsweredError(request)
    if not request.asks(user):
        raise NotAskedError(request)
    return request
