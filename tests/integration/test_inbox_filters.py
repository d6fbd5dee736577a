"""Filters of the inbox that people keep under names."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from chat.models import HumanRequest
from dashboard.models import Preferences
from dashboard.models.preferences import MOST_FILTERS
from tests.calls import grant, request_of, run_until_it_waits
from tests.pages import browser, shown

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def answerers(finance: Group) -> None:
    grant("inbox_item", finance, "answer")


def ask(prompt: str = "Pay?", kind: str = "approval", **options: Any) -> HumanRequest:
    run = run_until_it_waits("inbox_item", prompt=prompt, kind=kind, options=options)
    return request_of(run)


def test_a_filter_is_kept_under_a_name_and_removed(bob: User, carol: User) -> None:
    ask("Pay?", risk="high")
    client, query = browser(bob), "tab=groups&risk=high&q=a+b"
    assert "Name of this filter" not in shown(client.get("/inbox/?tab=groups"))
    assert "Name of this filter" in shown(client.get(f"/inbox/?{query}"))

    sent = f"{query}&request=1&after=2&nonsense=3"
    kept = client.post("/inbox/filters", {"name": " Risky ", "query": sent})

    assert kept["Location"] == f"/inbox/?{query}"
    link = f'href="/inbox/?{query.replace("&", "&amp;")}"{{}}><bdi>Risky</bdi></a>'
    assert link.format("") in shown(client.get("/inbox/"))
    there = shown(client.get(f"/inbox/?{query}"))
    assert link.format(' aria-current="page"') in there
    assert "Remove the filter “Risky”" in there
    assert "Risky" not in shown(browser(carol).get("/inbox/"))
    client.post("/inbox/filters", {"name": "Risky", "query": "tab=mine&kind=form"})
    assert [one["query"] for one in Preferences.objects.get(user=bob).filters] == [
        "tab=mine&kind=form"
    ]
    client.post("/inbox/filters/removal", {"name": "Risky", "query": query})
    assert "Risky" not in shown(client.get("/inbox/"))


def test_a_filter_needs_a_name_and_there_are_at_most_twenty(bob: User) -> None:
    client = browser(bob)
    for number in range(MOST_FILTERS):
        client.post("/inbox/filters", {"name": f"Filter {number}", "query": "tab=mine"})
    refusals = {
        "": "Give the filter a name.",
        "One more": "You have already saved 20 filters. Remove one first.",
    }

    for name, words in refusals.items():
        told = client.post("/inbox/filters", {"name": name, "query": "tab=mine"}, follow=True)
        assert words in shown(told)

    assert len(Preferences.objects.get(user=bob).filters) == MOST_FILTERS
