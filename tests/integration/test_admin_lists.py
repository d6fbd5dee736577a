"""Lists of the admin are searched and filtered, and say if they don't show all rows."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags

from chat.models import HumanRequest, HumanResponse, Session
from dashboard.admin.search import MOST_SEARCHED
from dashboard.models import ApiToken
from dashboard.overview.words import short_id
from procedures.models import Event, Grant, Run
from procedures.models.clock import clock
from tests.admin_addresses import page
from tests.calls import request_of, run_until_it_waits
from tests.pages import shown

RANGE = re.compile(r'href="(\?[^"]*created_at__from=[^"]+)"')


def test_a_link_shows_the_rows_of_its_run_only(root: Client, answered: Run) -> None:
    other = run_until_it_waits("question")

    path = f"{page('changelist', HumanRequest)}?wait__run__id__exact={other.pk}"
    text = root.get(path).content.decode()

    assert "1 request" in text or "1 human request" in text
    assert page("change", HumanRequest, request_of(other).pk) in text
    assert page("change", HumanRequest, request_of(answered).pk) not in text


def found(client: Client, model: type[Model], query: str) -> set[Any]:
    response = client.get(f"{page('changelist', model)}?{query}")
    assert response.status_code == 200
    return {row.pk for row in response.context["cl"].result_list}


def test_a_search_finds_what_pages_show_of_a_run(root: Client, answered: Run) -> None:
    other = run_until_it_waits("typed_inputs", count=1, tags=["order-2024-1187"])
    request = request_of(answered)
    ends = [short_id(answered.pk), answered.pk.hex[-5:].upper(), str(answered.pk)]

    for term in (*ends, "question", "Question alice"):
        assert answered.pk in found(root, Run, f"q={term}"), term
        assert other.pk not in found(root, Run, f"q={term}"), term
    assert found(root, Run, "q=2024-1187") == {other.pk}
    assert found(root, HumanRequest, f"q={short_id(request.pk)}") == {request.pk}
    assert found(root, Run, "q=nothing%25_") == set()


def test_rows_are_filtered_by_date_starter_and_who_answered(
    root: Client, answered: Run, alice: User, bob: User
) -> None:
    other = run_until_it_waits("question")

    assert found(root, Run, f"started_by__id__exact={alice.pk}") == {answered.pk}
    assert other.pk in found(root, Run, f"created_at__from={clock.now():%Y-%m-%d}")
    assert found(root, HumanRequest, "closed_by=bob") == {request_of(answered).pk}
    assert len(found(root, HumanResponse, f"user__id__exact={bob.pk}")) == 1
    assert found(root, Run, "created_at__from=2999-01-01") == set()


def test_filters_are_headed_by_their_titles(root: Client, answered: Run) -> None:
    """Also a title that isn't a noun, after which "By" would be no English."""
    headings = re.compile(r"<summary>(.+?)</summary>")

    runs = headings.findall(root.get(page("changelist", Run)).content.decode())
    requests = headings.findall(root.get(page("changelist", HumanRequest)).content.decode())

    assert {"Status", "Started by", "Created at"} <= {*runs}
    assert {"Status", "Who closed it"} <= {*requests}
    assert not [one for one in (*runs, *requests) if one.startswith("By ")]


def test_usual_ranges_of_days_are_links(
    root: Client, answered: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each range ends today and keeps the other filters; the one in use is marked."""
    midday = clock.now().replace(hour=12, day=20)
    monkeypatch.setattr("dashboard.admin.filters.localdate", midday.date)
    Run.objects.filter(pk=answered.pk).update(created_at=midday)
    for days in (0, 6, 7, 19, 20):
        run = run_until_it_waits("question")
        Run.objects.filter(pk=run.pk).update(created_at=midday - timedelta(days=days))

    listed = root.get(f"{page('changelist', Run)}?status__exact=waiting")
    ranges = [unescape(one) for one in RANGE.findall(listed.content.decode())]
    chosen = root.get(page("changelist", Run) + ranges[1]).content.decode()

    assert [len(found(root, Run, one[1:])) for one in ranges] == [1, 2, 4]
    marked = re.findall(r'aria-current="true">([^<]+)', chosen)
    assert [one for one in marked if one == "Today" or "days" in one] == ["Last 7 days"]


def test_rows_beyond_the_limit_are_not_said_to_be_all(
    root: Client, answered: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = Event.objects.count()

    for most, told in ((3, "3 or more"), (events, f"{events} event")):
        monkeypatch.setattr("dashboard.admin.lists.MOST_COUNTED", most)
        assert told in strip_tags(root.get(page("changelist", Event)).content.decode())


def test_a_search_says_that_it_looked_at_the_newest_rows_only(root: Client) -> None:
    long_ago, now = datetime(2020, 1, 1, tzinfo=UTC), timezone.now()
    old = Session.objects.create(title="Old", created_at=long_ago)
    path = f"/admin/countersign_chat/session/?q={str(old.pk)[-12:]}"
    said = f"Only the newest {MOST_SEARCHED:,} of these rows were searched"
    few = shown(root.get(path))
    Session.objects.bulk_create(Session(title="New", created_at=now) for _ in range(MOST_SEARCHED))

    assert (said in few, "1 result" in few) == (False, True)
    many = shown(root.get(path))
    assert (said in many, "0 results" in many) == (True, True)
    whole = shown(root.get(f"/admin/countersign_chat/session/?q={str(old.pk)[:30]}"))
    assert "1 result" in whole  # by the index of ids, however many are newer
    filtered = shown(root.get(f"{path}&created_at__lt=2021-01-01%2000:00:00%2B00:00"))
    assert (said in filtered, "1 result" in filtered) == (False, True)


def test_a_search_of_thousands_of_words_is_refused_with_a_sentence(
    root: Client, answered: Run
) -> None:
    searched = [
        model
        for model, its_admin in admin.site._registry.items()  # noqa: SLF001
        if its_admin.search_fields
    ]
    long, fits = " ".join(["a"] * 10_000), " ".join(["a"] * 20)

    for model in searched:
        refused = root.get(page("changelist", model), {"q": long})
        assert "This search is too long, so all rows are shown." in shown(refused), model
        assert refused.context["cl"].query == ""
        assert "too long" not in shown(root.get(page("changelist", model), {"q": fits})), model
    field = {"app_label": "countersign_procedures", "model_name": "grant", "field_name": "group"}
    choices = root.get("/admin/autocomplete/", {**field, "term": long})
    assert choices.json()["results"] == []
    assert {Run, User, Group, Grant, ApiToken} <= set(searched)
