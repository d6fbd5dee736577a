"""Push notifications: the service worker that shows them, and the browsers of a person."""

from pathlib import Path

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.channels.push.keys import push_key
from dashboard.channels.push.subscribing import SubscriptionForm
from dashboard.models import PushSubscription
from dashboard.models.trail import note
from dashboard.pages.profile import back_to, done
from dashboard.pages.visit import Visit

WORKER = "dashboard/service-worker.js"


@require_safe
@cache_control(public=True, no_cache=True)
def service_worker(_request: HttpRequest) -> HttpResponse:
    """Return the script of the service worker.

    The folder of its address is its scope: the pages that it controls. The folder of the static
    files would be a useless scope, so the script has this address of its own.
    """
    place = finders.find(WORKER) if push_key() else None
    if not isinstance(place, str):
        raise Http404
    script = Path(place).read_bytes()
    return HttpResponse(script, content_type="text/javascript; charset=utf-8")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def create_subscription(request: Visit) -> HttpResponse:
    """Subscribe the person's browser to push notifications.

    A GET returns the site's public key and a CSRF token, with which a service worker can renew the
    subscription.
    """
    key = push_key()
    if key is None:
        raise Http404
    if request.method != "POST":
        return JsonResponse({"key": key.public, "token": get_token(request)})
    sign_in = request.user.sign_ins.filter(session=request.session.session_key).first()
    form = SubscriptionForm(request.POST)
    if not form.is_valid() or sign_in is None:
        faults = [str(fault) for found in form.errors.values() for fault in found]
        words = faults[0] if faults else _("Sign in again, then switch notifications on.")
        messages.error(request, words)
        return back_to("browsers")
    made = form.save(sign_in, key)
    note(request.user, f"Switched on notifications in a browser: {made}.", about=made)
    return done(request, _("You will be notified in this browser."), "browsers")


@require_POST
@login_required
def remove_subscription(request: Visit, subscription_id: int) -> HttpResponse:
    found = get_object_or_404(PushSubscription.objects.of(request.user), pk=subscription_id)
    note(request.user, f"Switched off notifications in a browser: {found}.", about=found)
    found.delete()
    return done(request, _("You won't be notified in that browser any more."), "browsers")
