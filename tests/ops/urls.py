"""Somebody's own site at the root, the product below `ops/`."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def own_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("Our own page.")


urlpatterns = [
    path("", own_page),
    path("api/orders", own_page),
    path("ops/", include("dashboard.urls")),
    path("office/", admin.site.urls),
]
