"""Announcements of site managers: on every page, from their start until their end."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from dashboard.accounts.announcing import Planned, announce, end_announcement
from dashboard.models import Announcement, StandardGroup
from procedures.models import Act
from procedures.models.clock import clock
from tests.calls import caller
from tests.conftest import make_staff
from tests.pages import browser, queries_of, shown

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/admin/announcements/"
TEXT = "Maintenance on Friday: see https://status.example.org/2026?a=1&b=2 <b>soon</b>"
SHOWN = (
    '<a href="https://status.example.org/2026?a=1&amp;b=2" rel="nofollow">'
    "https://status.example.org/2026?a=1&amp;b=2</a> &lt;b&gt;soon&lt;/b&gt;"
)
HOUR = timedelta(hours=1)


@pytest.fixture
def manager(carol: User) -> User:
    make_staff(carol)
    carol.groups.add(StandardGroup.objects.get(kind="managers").group)
    return carol


def announced(by: User, text: str = TEXT, *, level: str = "info", later: int = 0) -> Announcement:
    now = clock.now()
    starts = now + later * HOUR
    return announce(Planned(text, level, starts + 2 * HOUR, starts), by=by, reason="Friday.")


def test_every_page_shows_it_from_its_start_until_its_end(alice: User, admin_user: User) -> None:
    pages = [(browser(alice), "/"), (browser(alice), "/runs"), (browser(admin_user), "/admin/")]
    announced(admin_user, later=1)

    assert not any(SHOWN in shown(client.get(path)) for client, path in pages)
    clock.ahead = HOUR
    for client, path in pages:
        page = shown(client.get(path))
        assert SHOWN in page
        assert "Notice" in page
    clock.ahead = 3 * HOUR
    assert not any(SHOWN in shown(client.get(path)) for client, path in pages)
    assert SHOWN not in shown(Client().get("/sign-in"))


def test_somebody_dismisses_a_text_for_themselves(alice: User, bob: User, admin_user: User) -> None:
    made, page = announced(admin_user), browser(alice)

    def dismissed(key: str, *, at: str) -> tuple[int, str]:
        told = page.post("/announcements/dismissals", {"key": key}, headers={"referer": at})
        return told.status_code, told.headers["Location"]

    assert dismissed(made.key, at="/runs?a=1") == (302, "/runs?a=1")
    assert dismissed("\0", at="https://evil.example/") == (302, "/")
    assert alice.preferences.dismissed == [made.key]

    announced(admin_user)  # the same text again
    assert SHOWN not in shown(page.get("/"))
    assert SHOWN in shown(browser(bob).get("/"))
    announced(admin_user, level="warning")
    assert "Warning" in shown(page.get("/announcements"))


def test_a_site_manager_announces_and_ends_it(manager: User, alice: User) -> None:
    page, until = browser(manager), f"{clock.now() + HOUR:%Y-%m-%dT%H:%M}"
    said = {"text": "Soon\nover", "level": "warning", "ends_at": until, "reason": "Friday."}

    assert "fter the start" in shown(page.post(PAGE, {**said, "ends_at": "2020-01-01T00:00"}))
    far = {**said, "starts_at": "2096-01-01T00:00", "ends_at": "2097-01-01T00:00"}
    assert "at most a year" in shown(page.post(PAGE, far))
    assert "required" in shown(page.post(PAGE, {**said, "reason": ""}))
    assert not Announcement.objects.exists()
    assert "Shown now" in shown(page.post(PAGE, said, follow=True))
    assert "Soon over" in shown(browser(alice).get("/"))

    made = Announcement.objects.get()
    assert page.post(PAGE, {"end": "x"}).status_code == 404
    assert "Nothing is announced." in shown(page.post(PAGE, {"end": made.pk}, follow=True))
    assert "Soon over" not in shown(browser(alice).get("/"))
    end_announcement(made, by=manager, reason="")  # has no effect any more
    acts = Act.objects.filter(kind="switch").order_by("pk").values_list("name", "words", "reason")
    (_, words, _), _ = acts
    assert "(warning)" in words
    assert "Soon over" in words
    assert [(name, reason) for name, _, reason in acts] == [("carol", "Friday."), ("carol", "")]


def test_nobody_else_announces(carol: User) -> None:
    said = {"text": "Soon", "level": "info", "ends_at": "2027-01-01T00:00", "reason": "Why."}

    assert browser(make_staff(carol)).get(PAGE).status_code == 403
    looking = browser(make_staff(carol, "view_announcement"))
    assert "plain-form" not in shown(looking.get(PAGE))
    assert looking.post(PAGE, said).status_code == 403
    assert looking.post(PAGE, {"end": "1"}).status_code == 403
    assert not Announcement.objects.exists()


def test_programs_are_told_what_is_announced_now(alice: User, admin_user: User) -> None:
    made = announced(admin_user)
    announced(admin_user, "Later.", later=1)

    items = caller(alice).get("/api/announcements").json()["items"]
    assert [(one["text"], one["level"]) for one in items] == [(made.text, "info")]
    assert Client().get("/api/announcements").status_code == 401


def test_a_page_without_announcements_reads_no_more_than_before(alice: User) -> None:
    page = browser(alice)
    page.get("/profile")
    without = queries_of(page, "/profile")

    assert not [one for one in without if one.startswith('SELECT "countersign_dashboard_announ')]
