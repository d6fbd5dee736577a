"""Signing in by a link."""

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from dashboard.sign_in import use_link, user_of_link

MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_variables("token")
def sign_in_link(request: HttpRequest, name: str, token: str) -> HttpResponse:
    """Mail readers and previews fetch links: only the button signs in."""
    is_sent = request.method == "POST"
    user = use_link(name, token) if is_sent else user_of_link(name, token)
    if user is None:
        return render(request, "dashboard/sign_in_link_dead.html", status=410)
    if is_sent:
        login(request, user, MODEL_BACKEND)
        return redirect("home")
    return render(request, "dashboard/sign_in_link.html", {"link_user": user})
