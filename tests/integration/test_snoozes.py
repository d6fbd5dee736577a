"""A snoozed request waits for its person nowhere until it comes back."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User

from chat.access import most_urgent
from chat.inbox import Inbox, Tab
from chat.models import HumanRequest
from chat.services import snooze_request, waiting_for, waiting_of
from dashboard.live.concerned import RequestNews
from dashboard.overview.finds import Search
from procedures.models.clock import clock
from tests.calls import caller, grant, request_of, run_until_it_waits
from tests.conftest import create_person
from tests.pages import HTMX, browser, shown

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def request_(bob: User, finance: Group) -> HumanRequest:
    grant("explained", finance, "answer")
    create_person("vera", finance)
    return request_of(run_until_it_waits("explained"))


def counts(user: User) -> dict[str, int]:
    """Count what waits for somebody, at every place that shows a number or a list of it."""
    person, client, api = User.objects.get(pk=user.pk), browser(user), caller(user)
    title = shown(client.get("/runs")).partition("<title>")[2].partition("</title>")[0]
    frame = client.get("/live/range?stream=inbox&form=page")
    return {
        "badge": int(title.partition("(")[2].partition(")")[0] or 0),
        "frame": frame.json()["frames"][0]["requests"],
        "api": api.get("/api/inbox?tab=groups").json()["counts"]["groups"],
        "home": shown(client.get("/")).count('data-status="open"'),
        "one": len(waiting_of(person)),
        "many": len(waiting_for([person.pk])[person.pk]),
        "urgent": len(most_urgent(person, 9)),
        "inbox": len(Inbox(person, Tab.GROUPS).ids(9)),
    }


def test_a_snoozed_request_is_counted_nowhere_until_it_comes_back(
    request_: HumanRequest, bob: User
) -> None:
    assert set(counts(bob).values()) == {1}

    snooze_request(request_.pk, by=bob, until=clock.now() + HOUR)

    assert set(counts(bob).values()) == {0}
    assert set(counts(User.objects.get(username="vera")).values()) == {1}
    clock.ahead += 2 * HOUR
    assert set(counts(bob).values()) == {1}


def test_its_coming_back_rings_at_the_next_look(request_: HumanRequest, bob: User) -> None:
    news = RequestNews()

    def ring() -> dict[str, object]:
        told = news.read(set(), {bob.pk}, is_check=True, readers={bob.pk})
        return {**told.frames.get(bob.pk, {}), **told.cards.get(bob.pk, {})}

    assert ring() == {}
    snooze_request(request_.pk, by=bob, until=clock.now() + HOUR)
    gone = ring()
    assert (gone["requests"], gone["waiting"]) == (0, [])
    assert "snoozed it" in str(gone["cards"])
    assert ring() == {}

    clock.ahead += 2 * HOUR
    back = ring()
    assert (back["requests"], back["waiting"]) == (1, [str(request_.pk)])
    assert f'id="request-{request_.pk}"' in str(back["cards"])
    assert "/response" in str(back["cards"])
    assert ring() == {}


def test_it_can_still_be_found_opened_and_answered(request_: HumanRequest, bob: User) -> None:
    snooze_request(request_.pk, by=bob, until=clock.now() + HOUR)

    assert [one.key for one in Search(bob, "release").requests()] == [str(request_.pk)]
    assert f"/requests/{request_.pk}/response" in shown(
        browser(bob).get(f"/requests/{request_.pk}")
    )
    shown_already = browser(bob).get(f"/requests/waiting?shown={request_.pk}", headers=HTMX)
    assert "snoozed it" in shown(shown_already)


def test_an_administrator_puts_off_requests_too(request_: HumanRequest, admin_user: User) -> None:
    assert request_.pk in waiting_of(admin_user)

    snooze_request(request_.pk, by=admin_user, until=clock.now() + HOUR)

    assert request_.pk not in waiting_of(admin_user)
    assert request_.pk not in waiting_for([admin_user.pk])[admin_user.pk]
