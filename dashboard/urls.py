"""Every address of the site."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path
from django.views.generic import RedirectView

from dashboard.api import api
from dashboard.pages import home, live, sign_in

urlpatterns = [
    path("", home.home, name="home"),
    path("sign-in", LoginView.as_view(template_name="dashboard/sign_in.html"), name="sign_in"),
    path("sign-in/<str:name>/<str:token>", sign_in.sign_in_link, name="sign_in_link"),
    path("sign-out", LogoutView.as_view(), name="sign_out"),
    path("live/range", live.live_range, name="live_range"),
    path("api/", api.urls),
    path("admin/login/", RedirectView.as_view(pattern_name="sign_in", query_string=True)),
    path("admin/", admin.site.urls),
]
