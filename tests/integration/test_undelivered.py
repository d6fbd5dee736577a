"""Reports to operators of notifications that channels can't deliver."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from chat.models import HumanRequest, Notification
from chat.models.notification import HOLD
from procedures.models.clock import clock
from procedures.services import complaints
from tests.pages import ask

pytestmark = pytest.mark.django_db
REFUSED = "SMTPRecipientsRefused: {'bob@sign.example': (550, b'No such user')}"


@pytest.fixture
def asked(alice: User, bob: User) -> HumanRequest:
    return ask("approval", by=alice)


def failed(request: HumanRequest, number: int, **more: Any) -> Notification:
    """A notification that has failed twice, and will be tried again."""
    now, bob = clock.now(), User.objects.get(username="bob")
    given = {"channel": "mail", "note": REFUSED, "tries": 2, "next_try_at": now, **more}
    return Notification(request=request, recipient=bob, planned_at=now, round=number, **given)


def told() -> list[str]:
    return [one.message for one in complaints() if one.part == "notifications"]


def test_all_are_counted_and_no_channel_hides_another(asked: HumanRequest) -> None:
    last = {"channel": "pager", "note": "PostError: No answer.", "next_try_at": clock.now() + HOLD}
    rows = [failed(asked, number) for number in range(1, 121)]
    Notification.objects.bulk_create([*rows, failed(asked, 1, **last)])

    mails, page = told()

    assert mails.startswith("120 notifications by mail have been waiting for delivery since ")
    assert page.startswith("1 notification by pager has been waiting for delivery since ")
    assert page.endswith("Check the settings of the channel pager; the admin shows each error.")


def test_operators_read_the_type_of_an_error_and_nobodys_address(asked: HumanRequest) -> None:
    failed(asked, 1).save()

    [words] = told()

    assert " UTC (SMTPRecipientsRefused). It will be tried again." in words
    assert "bob" not in words


@pytest.mark.parametrize(
    "state",
    [
        {"tries": 1},
        {"tries": 2, "status": "held"},
        {"tries": 3, "held_until": "later"},
        {"tries": 8, "status": "failed", "next_try_at": None},
    ],
)
def test_only_what_failed_twice_and_will_be_tried_again_is_told(
    asked: HumanRequest, state: dict[str, Any]
) -> None:
    later = {"held_until": clock.now() + HOLD} if "held_until" in state else {}
    failed(asked, 1, **{**state, **later}).save()
    assert told() == []

    Notification.objects.filter(round=1).update(
        tries=3, status="planned", held_until=None, next_try_at=clock.now()
    )

    assert len(told()) == 1
