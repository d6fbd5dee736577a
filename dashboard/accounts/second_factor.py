"""Second factors: whether a session has used one, and which ones a person has.

Nothing here imports django-allauth, which a site may not have.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from dashboard.accounts.authority import may_change
from dashboard.accounts.shell import shell_author
from dashboard.models.trail import note
from procedures.conf import conf
from procedures.models.act import Act, log_act
from procedures.transactions import service_atomic
from procedures.users import User

METHODS, METHODS_OF = "account_authentication_methods", "account_authentication_methods_user"
"""The keys under which django-allauth keeps in a session how its user has proven who they are."""
SECOND = "mfa"


class Way(NamedTuple):
    """A second factor or a company account of a person, with a key for the button to remove it."""

    key: str
    title: str
    added_at: datetime | None
    used_at: datetime | None
    number: int


def is_on() -> bool:
    """Return True if the site has company accounts, passkeys and second factors."""
    return apps.is_installed("allauth.mfa")


def is_missing(
    user: Any, session: Mapping[str, Any], kept: Collection[tuple[Any, int]] | None = None
) -> bool:
    """Return True if this user has to use a second factor before the session may do anything.

    `kept` has the factors of the user among others, as `kept_factors` returns them; without it,
    they are read.
    """
    if not needs_factor(user):
        return False
    return not is_confirmed(user, session, kept_factors([user]) if kept is None else kept)


def needs_factor(user: Any) -> bool:
    is_above = getattr(user, "is_staff", False) or user.is_superuser
    return bool(conf.STAFF_NEED_SECOND_FACTOR and is_above and is_on())


def kept_factors(people: Iterable[Any]) -> set[tuple[Any, int]]:
    """Return the factors of people who need one, as pairs of the owner's key and the factor's key.

    One query reads them for many people, and none if nobody needs a factor.
    """
    needing = [one.pk for one in people if needs_factor(one)]
    if not needing:
        return set()
    return set(_model("factor").objects.filter(user__in=needing).values_list("user", "pk"))


def is_confirmed(user: Any, session: Mapping[str, Any], kept: Collection[tuple[Any, int]]) -> bool:
    """Return True if the user has used, in this session, a second factor that still exists."""
    records = session.get(METHODS)
    is_own = str(session.get(METHODS_OF)) == str(user.pk)
    used = [one.get("id") for one in records or () if one.get("method") == SECOND]
    return is_own and any((user.pk, one) in kept for one in used)


def ways_of(user: User) -> list[Way]:
    """Return the second factors and the company accounts of a person."""
    return [*_factors_of(user), *accounts_of(user)] if is_on() else []


def accounts_of(user: User) -> list[Way]:
    """Return the company accounts that are linked with a person's account."""
    found = []
    for one in _model("account").objects.filter(user=user).order_by("pk"):
        title = _("Account at {company}: {address}").format(
            company=company_name(one.provider), address=one.extra_data.get("email") or one.uid
        )
        found.append(Way(f"account-{one.pk}", title, one.date_joined, one.last_login, one.pk))
    return found


def company_name(key: str) -> str:
    """Return the name of a company in the settings, or its key if the settings have no name."""
    return str(conf.OIDC_PROVIDERS.get(key, {}).get("name", key))


def may_remove_ways(by: User, user: User) -> bool:
    """Return True if `by` may remove another person's ways to sign in.

    People remove their own on the page *Second factor*, after they have proven who they are.
    """
    return by.pk != user.pk and may_change(by, user)


@service_atomic
def remove_way(user: User, key: str, *, by: User, reason: str) -> bool:
    """Remove a second factor or a company account of a person; return False if there is none.

    Raises `PermissionDenied` if `by` may not do so.
    """
    if not may_remove_ways(by, user):
        raise PermissionDenied
    way = _remove(user, key)
    if way is None:
        return False
    _drop_useless_codes(user)
    note(by, f"Removed a way to sign in: {way.title}.", about=user, reason=reason)
    return True


@service_atomic
def remove_own_account(user: User, number: int) -> bool:
    """Remove the owner's link to a company account; return False if there is none."""
    way = _remove(user, f"account-{number}")
    if way is None:
        return False
    note(user, f"Removed a way to sign in: {way.title}.")
    return True


@service_atomic
def remove_all_factors(user: User) -> int:
    """Remove all second factors of a person, for a command; return how many there were.

    Without a factor, staff are led to set one up after the next sign-in.
    """
    factors = _model("factor").objects.filter(user=user)
    count = int(factors.count())
    factors.delete()
    words = f"Removed all second factors ({count})."
    log_act(Act.Kind.PERSON, words, by=shell_author("remove_second_factor"), about=user)
    return count


def _remove(user: User, key: str) -> Way | None:
    """Remove the way with this key and return it; return None if the person has no such way."""
    way = next((one for one in ways_of(user) if one.key == key), None)
    if way is not None:
        kind, _dash, _number = key.partition("-")
        _model(kind).objects.filter(pk=way.number, user=user).delete()
    return way


def _factors_of(user: User) -> Iterator[Way]:
    for one in _model("factor").objects.filter(user=user).order_by("pk"):
        name = str(one) if one.type == "webauthn" else ""
        titles = {"totp": _("Authenticator app"), "recovery_codes": _("Recovery codes")}
        title = titles.get(one.type) or _("Passkey {name}").format(name=name)
        yield Way(f"factor-{one.pk}", title, one.created_at, one.last_used_at, one.pk)


def _drop_useless_codes(user: User) -> None:
    """Remove a person's recovery codes if the person has no other factor."""
    factors = _model("factor").objects.filter(user=user)
    if not factors.exclude(type="recovery_codes").exists():
        factors.delete()


def _model(kind: str) -> Any:
    named = {"factor": ("mfa", "Authenticator"), "account": ("socialaccount", "SocialAccount")}
    return apps.get_model(*named[kind])
