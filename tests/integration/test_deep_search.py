"""The search finds runs by either end of an id and by inputs, and staff find people."""

from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User

from chat.models import Message
from dashboard.overview import finds
from dashboard.overview.words import short_id
from procedures.models import Run
from tests.conftest import create_person, make_staff
from tests.pages import ask, browser, grant_to_both, queries_of
from tests.runs import start

pytestmark = pytest.mark.usefixtures("bob")
AGES_AGO = UUID("01234567-89ab-7cde-8f01-23456789abcd")


def found(user: User, text: str) -> dict[str, list[str]]:
    response = browser(user).get("/search/results", {"q": text})
    assert response.status_code == 200
    return {
        group["name"]: [item["href"] for item in group["items"]]
        for group in response.json()["groups"]
        if group["name"] != "pages"
    }


def started(by: User, kind: str = "text") -> Run:
    grant_to_both("one_of_each")
    return start("one_of_each", by=by, kind=kind)


def aged(run: Run) -> Run:
    """A copy of the run that was started ages ago."""
    fields: dict[str, Any] = {
        one.attname: getattr(run, one.attname)
        for one in Run._meta.concrete_fields  # noqa: SLF001 (as Django documents it)
    }
    return Run.objects.create(**{**fields, "id": AGES_AGO, "idempotency_key": "long ago"})


@pytest.mark.parametrize(
    "text", ["012345", "01234567-89AB", "0123456789ab7cde8f0123456789abc", "89abcd", "6789·abcd"]
)
def test_a_run_is_found_by_either_end_of_its_id(
    text: str, alice: User, carol: User, admin_user: User
) -> None:
    run = aged(started(alice))

    for user in (alice, admin_user):
        assert found(user, text)["runs"] == [f"/runs/{run.pk}"]
    assert "runs" not in found(alice, f"{text[:-1]}e")
    assert found(carol, text) == {}


def test_an_old_run_is_found_by_the_beginning_of_its_id_among_newer_ones(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = aged(started(alice))
    started(alice)
    monkeypatch.setattr(finds, "MOST_SEARCHED", 1)
    monkeypatch.setattr(finds, "MOST_ENDS", 1)

    assert found(alice, "012345")["runs"] == [f"/runs/{run.pk}"]
    assert "runs" not in found(alice, "9abcd")
    monkeypatch.setattr(finds, "MOST_ENDS", 3)
    assert found(alice, "56789abcd")["runs"] == [f"/runs/{run.pk}"]


def test_a_request_and_a_session_are_found_by_the_ends_of_their_ids(
    alice: User, bob: User, carol: User
) -> None:
    request = ask("told", by=alice)
    for end in (request.pk.hex[:12], request.pk.hex[-8:]):
        assert f"/requests/{request.pk}" in found(bob, end)["requests"]
        assert "requests" not in found(alice, end)
        assert found(carol, end) == {}
    for end in (str(request.session_id)[-12:], short_id(request.session_id)):
        assert found(alice, end)["sessions"] == [f"/chat/{request.session_id}"]


def test_runs_are_found_by_all_words_in_their_inputs(alice: User, carol: User) -> None:
    run = started(alice, kind="Überweisung K-31 an Blum")
    started(alice, kind="K-31")
    session = Message.objects.get(run=run, kind="run").session_id

    [href] = found(alice, "k-31 blum")["texts"]
    assert href.startswith(f"/chat/{session}?")
    assert "texts" not in found(alice, "k-31 green")
    assert found(carol, "k-31 blum") == {}


def test_only_staff_who_may_see_people_find_them(alice: User, carol: User, dave: User) -> None:
    ann = create_person("ann-of-finance")

    seeing = make_staff(dave, "view_user")
    assert found(seeing, "ann-of")["people"] == [f"/admin/person/{ann.pk}/"]
    assert "people" not in found(make_staff(carol), "ann-of")
    alice.user_permissions.set(seeing.user_permissions.all())
    assert "people" not in found(alice, "ann-of")


def test_a_search_by_the_end_of_an_id_costs_the_same_however_much_there_is(alice: User) -> None:
    started(alice)
    client, address = browser(alice), "/search/results?q=abcdef"
    queries_of(client, address)
    before = len(queries_of(client, address))
    for _ in range(4):
        started(alice)

    assert len(queries_of(client, address)) == before
