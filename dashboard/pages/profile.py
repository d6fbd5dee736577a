"""The page of a person's own API tokens, sign-ins, password, time zone and shortcuts."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from dashboard.accounts.notified import staying_notified
from dashboard.accounts.second_factor import is_on
from dashboard.accounts.sign_ins import revoke
from dashboard.channels.push.keys import push_key
from dashboard.forms.profile import (
    KeysForm,
    MentionsForm,
    TimeZoneForm,
    TokenForm,
    password_form,
    time_zones,
)
from dashboard.http.throttle import Attempt, TooManyAttemptsError
from dashboard.models import PushSubscription
from dashboard.models.preferences import preferences_of
from dashboard.models.sign_in import note_sign_in
from dashboard.models.trail import note
from dashboard.pages.marks import with_marks
from dashboard.pages.visit import Visit

MOST_SHOWN = 100


@never_cache
@require_safe
@login_required
@with_marks()
def profile(request: Visit) -> HttpResponse:
    return draw(request)


@never_cache
@require_POST
@login_required
def create_token(request: Visit) -> HttpResponse:
    """Create a token and show it; later it can't be shown, because only its digest is stored."""
    form = TokenForm(request.user, request.POST)
    if not form.is_valid():
        return draw(request, status=422, token_form=form)
    return draw(request, status=201, new_token=form.create(), new_name=form.cleaned_data["name"])


@require_POST
@login_required
def revoke_token(request: Visit, token_id: int) -> HttpResponse:
    token = get_object_or_404(request.user.api_tokens, pk=token_id)
    revoke(token, by=request.user)
    words = _("The token {name} was revoked.")
    return done(request, words.format(name=token.name or token.hint), "tokens")


@require_POST
@login_required
def revoke_tokens(request: Visit) -> HttpResponse:
    count = request.user.api_tokens.revoke()
    note(request.user, f"Revoked all tokens ({count}).")
    words = ngettext("{count} token was revoked.", "{count} tokens were revoked.", count)
    return done(request, words.format(count=count), "tokens")


@require_POST
@login_required
def end_sign_in(request: Visit, sign_in_id: int) -> HttpResponse:
    found = get_object_or_404(request.user.sign_ins, pk=sign_in_id)
    is_this = found.session_id == request.session.session_key
    request.user.sign_ins.filter(pk=found.pk).end()
    note(request.user, "Ended a sign-in session.")
    if is_this:
        request.session.flush()
        return redirect("countersign:sign_in")
    return done(request, _("That session was signed out."), "sessions")


@require_POST
@login_required
def end_other_sign_ins(request: Visit) -> HttpResponse:
    key = request.session.session_key
    count = request.user.sign_ins.exclude(session=key).end()
    note(request.user, f"Ended all other sessions ({count}).")
    words = ngettext(
        "{count} other session was signed out.", "{count} other sessions were signed out.", count
    )
    return done(request, words.format(count=count), "sessions")


@never_cache
@sensitive_post_parameters()
@require_POST
@login_required
def change_password(request: Visit) -> HttpResponse:
    """Set a new password; `accounts.leaving` then ends all other sessions and the tokens."""
    attempt = Attempt.by(request, "change of password", request.user.get_username())
    try:
        attempt.begin()
    except TooManyAttemptsError as error:
        messages.error(request, str(error))
        return draw(request, status=429)
    form = password_form(request.user, request.POST)
    if not form.is_valid():
        attempt.fail()
        return draw(request, status=422, password_form=form)
    attempt.succeed()
    with transaction.atomic(), staying_notified(request, request.user):
        update_session_auth_hash(request, form.save())
        note_sign_in(request, request.user)
        note(request.user, "Changed the password.")
    words = _(
        "Your password was changed. All other sessions were signed out and all tokens revoked."
    )
    return done(request, words, "password")


@require_POST
@login_required
def choose_time_zone(request: Visit) -> HttpResponse:
    form = TimeZoneForm(request.POST)
    if not form.is_valid():
        return draw(request, status=422, time_zone_form=form)
    chosen = form.save(request.user)
    words = (
        _("Times are shown in {zone}.").format(zone=chosen)
        if chosen
        else _("Times are shown in your browser's time zone.")
    )
    return done(request, words, "time-zone")


@require_POST
@login_required
def choose_keys(request: Visit) -> HttpResponse:
    """Switch single-key shortcuts on or off."""
    form = KeysForm(request.POST)
    form.is_valid()
    is_on = form.save(request.user)
    words = _("Single-key shortcuts are on.") if is_on else _("Single-key shortcuts are off.")
    return done(request, words, "keys")


@require_POST
@login_required
def choose_mentions(request: Visit) -> HttpResponse:
    """Switch notifications of mentions on or off."""
    form = MentionsForm(request.POST)
    form.is_valid()
    is_on = form.save(request.user)
    words = (
        _("You are notified of messages that mention you.")
        if is_on
        else _("You aren't notified of messages that mention you. The chat still marks them.")
    )
    return done(request, words, "mentions")


def draw(request: Visit, *, status: int = 200, **more: Any) -> HttpResponse:
    user = request.user
    chosen = preferences_of(user)
    sign_ins = user.sign_ins.select_related("session")
    context = {
        "token_form": TokenForm(user),
        "password_form": password_form(user),
        "time_zone_form": TimeZoneForm({"time_zone": chosen.time_zone}),
        "keys_are_on": chosen.has_keys,
        "hears_mentions": chosen.hears_mentions,
        "tokens": user.api_tokens.filter(revoked_at=None).order_by("-pk")[:MOST_SHOWN],
        "sign_ins": sign_ins.filter(session__expire_date__gt=timezone.now())[:MOST_SHOWN],
        "this_session": request.session.session_key,
        "time_zones": time_zones(),
        "has_factors": is_on(),
        **notified_browsers(request),
        **more,
    }
    return render(request, "dashboard/profile.html", context, status=status)


def notified_browsers(request: Visit) -> dict[str, Any]:
    """Return the browsers in which the person is notified, if this site can notify any."""
    key = push_key()
    if key is None:
        return {}
    found = PushSubscription.objects.in_use(key.public).of(request.user)
    browsers = list(found.select_related("sign_in")[:MOST_SHOWN])
    here = request.session.session_key
    return {
        "push_key": key.public,
        "browsers": browsers,
        "is_notified_here": any(one.sign_in.session_id == here for one in browsers),
    }


def done(request: Visit, feedback: str, part: str) -> HttpResponseRedirect:
    messages.success(request, feedback)
    return back_to(part)


def back_to(part: str) -> HttpResponseRedirect:
    return HttpResponseRedirect(f"{reverse('countersign:profile')}#{part}")
