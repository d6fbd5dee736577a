"""The shop's people and orders."""

from typing import Any
from uuid import uuid4

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models

from procedures.models import Run


class People(BaseUserManager["Person"]):
    def create(self, email: str, **fields: Any) -> "Person":  # type: ignore[override]
        person = self.model(email=self.normalize_email(email), **fields)
        person.set_unusable_password()
        person.save()
        return person


class Person(AbstractBaseUser, PermissionsMixin):
    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    email = models.EmailField(unique=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)

    people = People()

    USERNAME_FIELD = "email"


class Order(models.Model):
    number = models.PositiveIntegerField(unique=True)
    is_sent = models.BooleanField(default=False)
    run = models.ForeignKey(Run, models.SET_NULL, null=True)

    objects: "models.Manager[Order]" = models.Manager()

    def __str__(self) -> str:
        return f"order {self.number}"
