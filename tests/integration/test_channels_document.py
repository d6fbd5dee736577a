"""The channel that docs/channels.md shows works as it stands there."""

import hmac
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from chat.channels import register_channel
from chat.channels.registry import channels
from chat.models import HumanRequest, Notification
from chat.services import send_notification
from dashboard.environment.variables import CHECKOUT
from procedures.models.clock import clock
from tests.pages import ask
from tests.towers import Tower

DOCUMENT = (CHECKOUT / "docs" / "channels.md").read_text()
SECRET = "a secret of the harbour"


@pytest.fixture(autouse=True)
def radio(tower: Tower, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    [code] = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    defined: dict[str, Any] = {"__name__": "harbour.channels"}
    exec(code, defined)  # noqa: S102 (it is our own document)
    register_channel(defined["Radio"])
    monkeypatch.setenv("RADIO_URL", tower.url)
    monkeypatch.setenv("RADIO_SECRET", SECRET)
    yield
    channels.pop("radio")


@pytest.fixture
def asked(alice: User, bob: User) -> HumanRequest:
    bob.groups.add(Group.objects.create(name="crew"))
    return ask("approval", by=alice)


def test_it_tells_people(tower: Tower, asked: HumanRequest, bob: User) -> None:
    sent = Notification.objects.create(
        channel="radio",
        request=asked,
        recipient=bob,
        planned_at=clock.now(),
        next_try_at=clock.now(),
    )

    send_notification(sent.pk)

    assert tower.pages == [
        {"id": sent.key, "to": "bob", "text": asked.prompt, "request": str(asked.pk)}
    ]


def test_it_takes_answers(asked: HumanRequest) -> None:
    sent = {"from": "bob", "request": str(asked.pk), "words": asked.asked.labels["true"]}
    body = json.dumps(sent).encode()
    mark = hmac.digest(SECRET.encode(), body, "sha256").hex()
    path = "/api/channels/radio/answers"

    refused = Client(headers={"X-Signature": "00"}).post(path, body, "text/plain")
    taken = Client(headers={"X-Signature": mark}).post(path, body, "text/plain")

    assert (refused.status_code, taken.status_code) == (401, 201)
    assert asked.responses.get().channel == "radio"
