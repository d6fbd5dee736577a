"""Sign-in by name and password, and by a link."""

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from dashboard.accounts.sign_in import use_link, user_of_link
from dashboard.company import doors
from dashboard.http.throttle import Attempt, TooManyAttemptsError

LONGEST_NAME = 254


class SignIn(LoginView):
    """Sign-in by name and password.

    After too many failures, a try is refused without a check of the password.
    """

    template_name = "dashboard/sign_in.html"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        name = request.POST.get("username", "").strip()[:LONGEST_NAME]
        self.attempt = Attempt.by(request, "sign-in", name)
        try:
            self.attempt.begin()
        except TooManyAttemptsError as error:
            return self.refuse(error)
        return super().post(request, *args, **kwargs)

    def refuse(self, error: TooManyAttemptsError) -> HttpResponse:
        """Return a refusal with 429; it is the same whether or not an account has that name."""
        response = self.render_to_response(self.get_context_data(feedback=error), status=429)
        response.headers["Retry-After"] = str(error.seconds)
        return response

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        self.attempt.succeed()
        return doors.sign_in(self.request, form.get_user(), to=self.get_success_url())

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        return super().get_context_data(**given) | doors.ways_in()

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        self.attempt.fail()
        return super().form_invalid(form)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_variables("token")
def sign_in_link(request: HttpRequest, name: str, token: str) -> HttpResponse:
    """Show a page whose button signs the person in.

    Opening the link isn't enough, because mail programs and previews open links by themselves.
    """
    is_sent, attempt = request.method == "POST", Attempt.by(request, "sign-in link")
    if attempt.is_over():
        return render(request, "dashboard/sign_in_link_dead.html", status=429)
    user = use_link(name, token) if is_sent else user_of_link(name, token)
    if user is None:
        Attempt.by(request, "sign-in link", name).fail()
        return render(request, "dashboard/sign_in_link_dead.html", status=410)
    if is_sent:
        return doors.sign_in(request, user, to=reverse("countersign:home"))
    return render(request, "dashboard/sign_in_link.html", {"link_user": user})
