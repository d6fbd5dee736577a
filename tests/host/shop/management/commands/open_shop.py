"""`open_shop`: a clerk, a packer, a stranger and order 7."""

from typing import Any

from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand

from tests.host.shop.models import Order, Person


class Command(BaseCommand):
    def handle(self, *args: Any, **options: Any) -> None:
        for name, group in (("ann", "clerks"), ("bob", "packers"), ("carol", "")):
            person = Person.people.create(f"{name}@shop.example")
            person.groups.set(Group.objects.filter(name=group))
        Order.objects.create(number=7)
