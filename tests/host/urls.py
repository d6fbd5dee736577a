"""The shop's pages at the root, the product below `ops/`."""

from django.contrib import admin
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import include, path

from tests.host.shop.models import Order


def order(request: HttpRequest, number: int) -> JsonResponse:
    found = get_object_or_404(Order, number=number)
    return JsonResponse({"is_sent": found.is_sent})


urlpatterns = [
    path("orders/<int:number>", order),
    path("ops/", include("dashboard.urls")),
    path("office/", admin.site.urls),
]
