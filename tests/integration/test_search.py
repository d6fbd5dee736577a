"""What a person may see and do, found by words or by id in "Search or do…"."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from dashboard.overview import finds
from dashboard.overview.words import short_id
from procedures.models import Run
from tests.calls import grant
from tests.pages import ask, browser, grant_to_both, queries_of, shown, writes
from tests.runs import answer, start

pytestmark = pytest.mark.usefixtures("bob")


def found(user: User, text: str) -> dict[str, list[dict[str, Any]]]:
    """The finds of each group, as the palette gets them."""
    response = browser(user).get("/search/results", {"q": text})
    assert response.status_code == 200
    return {group["name"]: group["items"] for group in response.json()["groups"]}


def test_a_request_is_found_by_whoever_may_answer_it(alice: User, bob: User, carol: User) -> None:
    request = ask("told", by=alice)

    for text in (request.prompt, request.prompt.upper().split()[0], str(request.pk)):
        [item] = found(bob, text)["requests"]
        assert item["href"] == f"/requests/{request.pk}"
        assert item["title"] == request.prompt
        assert item["show"] == "due"
        assert "requests" not in found(alice, text)
        assert found(carol, text) == {}
    answer(request, by=bob)
    assert "requests" not in found(bob, request.prompt)


def test_a_run_and_its_session_are_found_by_words_and_by_id(alice: User, carol: User) -> None:
    grant_to_both("one_of_each")
    run, other = (start("one_of_each", by=alice, kind="text") for _ in range(2))

    assert [item["href"] for item in found(alice, "ONE each")["runs"]] == [
        f"/runs/{other.pk}",
        f"/runs/{run.pk}",
    ]
    assert len(found(alice, "one of each")["sessions"]) == 2
    for text in (str(run.pk), run.pk.hex, f" {run.pk} "):
        [item] = found(alice, text)["runs"]
        assert item["href"] == f"/runs/{run.pk}"
        assert item["detail"] == short_id(run.pk)
        assert found(carol, text) == {}
    assert found(carol, "one of each") == {}


def test_a_whole_id_finds_what_is_older_than_the_newest(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant_to_both("one_of_each")
    old, new = (start("one_of_each", by=alice, kind="text") for _ in range(2))
    monkeypatch.setattr(finds, "MOST_SEARCHED", 1)

    assert [item["href"] for item in found(alice, "one")["runs"]] == [f"/runs/{new.pk}"]
    assert [item["href"] for item in found(alice, str(old.pk))["runs"]] == [f"/runs/{old.pk}"]


def test_procedures_that_one_may_start_and_pages_are_found(bob: User, carol: User) -> None:
    carols = Group.objects.create(name="carols")
    carol.groups.add(carols)
    grant("one_of_each", carols, "start")

    [item] = found(carol, "one of")["procedures"]
    assert item["href"] == "/procedures/one_of_each"
    assert "procedures" not in found(bob, "one of")
    assert [item["href"] for item in found(bob, "profile")["pages"]] == ["/profile"]
    assert "Admin" not in str(found(bob, ""))


def test_a_search_costs_the_same_however_much_there_is(alice: User, bob: User) -> None:
    ask("told", by=alice)
    client = browser(bob)
    queries_of(client, "/search/results?q=e")
    before = len(queries_of(client, "/search/results?q=e"))
    for _ in range(4):
        ask("told", by=alice)

    after = queries_of(client, "/search/results?q=e")

    assert len(after) == before <= 18
    assert not writes(after)


def test_without_scripts_the_search_is_a_page(alice: User, bob: User) -> None:
    request = ask("told", by=alice)

    text = shown(browser(bob).get("/search", {"q": request.prompt[:5]}))

    assert f'href="/requests/{request.pk}"' in text
    assert "200 most urgent requests, newest runs and newest sessions" in text
    assert "No matches</p>" in shown(browser(bob).get("/search", {"q": "nothing like this"}))


@pytest.mark.parametrize("text", ["\0", "<script>", "%", "x" * 5000, "٣", "0" * 32])
def test_strange_words_find_nothing_and_break_nothing(alice: User, text: str) -> None:
    Run.objects.all().delete()

    assert set(found(alice, text)) <= {"procedures", "pages"}
    assert '<script>"' not in shown(browser(alice).get("/search", {"q": text}))


def test_nobody_searches_without_signing_in(client: Any) -> None:
    for address in ("/search", "/search/results?q=a"):
        assert re.match("/sign-in", client.get(address).headers["Location"])
