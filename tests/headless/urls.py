"""The API's routes for one person, whoever calls."""

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.urls import path
from ninja import NinjaAPI

import chat.api
import procedures.api


def as_alice(request: HttpRequest) -> User:
    request.user = User.objects.get(username="alice")
    return request.user


api = NinjaAPI(auth=as_alice)
api.add_router("", procedures.api.router)
api.add_router("", chat.api.router)
urlpatterns = [path("", api.urls)]
