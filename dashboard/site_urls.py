"""The URLs of the product's own site; another site can include `dashboard.urls` in its own."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from dashboard.accounts.second_factor import is_on

handler500 = "dashboard.pages.broken.server_error"
to_sign_in = RedirectView.as_view(pattern_name="countersign:sign_in", query_string=True)
urlpatterns = [
    path("", include("dashboard.urls")),
    path("admin/login/", to_sign_in, name="admin_login"),
    path("admin/", admin.site.urls),
]
if is_on():
    urlpatterns.append(path("", include("dashboard.company.urls")))
