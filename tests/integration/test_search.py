"""Rows and acts of a person, found by words or by id in "Search or do…"."""

import re
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, User

from chat.models import Message
from chat.services import post_message, searching
from dashboard.overview import finds
from dashboard.overview.words import short_id
from procedures.models.clock import clock
from procedures.store.merging import GLANCE
from tests.calls import caller, grant
from tests.pages import ask, browser, grant_to_both, lines, queries_of, shown, writes
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


def test_a_search_of_what_was_said_costs_the_same_however_much_there_is(
    alice: User, bob: User
) -> None:
    request = ask("told", by=alice)
    client, address = browser(bob), "/search/results?q=one+of+each"
    queries_of(client, address)
    before = len(queries_of(client, address))
    for number in range(4):
        ask("told", by=alice)
        post_message(request.session, f"One of each {number}", by=bob, reply_to=request.message)

    after = queries_of(client, address)

    assert len(after) == before <= 36
    assert not writes(after)


def test_what_was_said_is_found_with_a_link_to_the_very_message(alice: User, bob: User) -> None:
    request = ask("told", by=alice)
    session = request.session
    sent = [post_message(session, f"Parcel <{number}>", by=alice) for number in range(22)]
    last, first = sent[-1], sent[0]

    item = found(alice, "arcel")["texts"][0]
    page = shown(browser(alice).get("/search", {"q": "arcel"}))
    older = shown(browser(alice).get("/search", {"q": "arcel", "before": page_after(page)}))

    assert item["href"] == f"/chat/{session.pk}?message={last.pk}#message-{last.pk}"
    assert item["pieces"] == [["P", False], ["arcel", True], [" <21>", False]]
    assert f'href="{item["href"]}"' in page
    assert "P<mark>arcel</mark> &lt;21&gt;</span>" in page
    assert [f"&lt;{number}&gt;" in page for number in (0, 2)] == [False, True]
    assert [f"&lt;{number}&gt;" in older for number in (0, 1, 2)] == [True, True, False]
    assert "Older results" not in older
    answers = shown(browser(alice).get("/search", {"q": "arcel", "in": "answers"}))
    assert "No matches</p>" in answers
    assert str(first.pk) in older
    assert "texts" not in found(bob, "arcel")  # members' talk


def page_after(page: str) -> str:
    [before] = re.findall(r"before=(\d+)", page)
    return str(before)


def test_a_page_that_a_frequent_word_leaves_empty_says_so_and_leads_on(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = ask("told", by=alice)
    session = request.session
    post_message(session, "Parcel for bob", by=bob, reply_to=request.message)
    for number in range(GLANCE):  # members' talk, which bob can't read
        post_message(session, f"Parcel {number}", by=alice)
    monkeypatch.setattr(searching, "MOST_TESTED", GLANCE)

    page = shown(browser(bob).get("/search", {"q": "parcel"}))
    older = shown(browser(bob).get("/search", {"q": "parcel", "before": page_after(page)}))

    assert "Search older texts</a>" in page
    assert "No matches</p>" not in page
    assert "Older results</a>" not in page
    assert "<mark>Parcel</mark> for bob" in older
    assert "Search older texts</a>" not in older
    assert [item["pieces"][-1][0] for item in found(bob, "parcel")["texts"]] == [" for bob"]
    monkeypatch.setattr(searching, "MOST_GLANCED_AT", GLANCE)
    assert "texts" not in found(bob, "parcel")


def test_a_link_opens_a_session_at_an_old_message(alice: User) -> None:
    session = ask("told", by=alice).session
    sent = lines(session, 210)
    client, address = browser(alice), f"/chat/{session.pk}"
    queries_of(client, address)

    page = client.get(address, {"message": str(sent[60].pk)})
    near = client.get(address, {"message": str(sent[200].pk)})

    assert [f"Line {number}." in shown(page) for number in (60, 80, 82)] == [True, True, False]
    assert "Earlier messages" not in shown(page)
    later = client.get(address, {"before": page.context["later"]})
    assert [f"Line {number}." in shown(later) for number in (80, 82, 179)] == [True, True, True]
    assert client.get(address, {"before": later.context["later"] or ""}).context["is_latest"]
    assert near.context["is_latest"]
    assert near.context["later"] is None
    for other in ("x", str(uuid4())):  # what isn't there leads to the newest
        assert client.get(address, {"message": other}).context["is_latest"]


def test_without_scripts_the_search_is_a_page(alice: User, bob: User) -> None:
    request = ask("told", by=alice)

    text = shown(browser(bob).get("/search", {"q": request.prompt[:5]}))

    assert f'href="/requests/{request.pk}"' in text
    assert "200 most urgent requests, and the 200 newest runs and sessions" in text
    assert "No matches</p>" in shown(browser(bob).get("/search", {"q": "nothing like this"}))


STRANGE = (
    *(
        "\0",
        "<script>",
        "%",
        "*",
        "x" * 5000,
        "٣",
        "0" * 32,
        '"',
        'a"b',
        "\\",
        "' OR 1=1 --",
        "NOT",
    ),
    *(
        "AND OR",
        "NEAR(a b)",
        "grams:x",
        "^x*",
        "(",
        "& | ! <->",
        "it''s",
        "🏳️‍🌈",
        "\u202e",
        "\ud800",
    ),
    *(
        "e\u0301" * 60,
        "a b c d e f g h i j k l m n o",
        "ﷺ",
        "ǅ",
        "\u0301",
        "x:*",
        "\t \n",
        "\u3000",
    ),
)


def test_strange_words_find_nothing_and_break_nothing(alice: User) -> None:
    first = Message(kind=Message.Kind.PERSON, author=alice, text="Plain words", at=clock.now())
    first.open_session("A session")
    client, program = browser(alice), caller(alice)

    for text in STRANGE:
        query = urlencode({"q": text}, errors="surrogatepass")
        groups = client.get(f"/search/results?{query}").json()["groups"]
        assert {group["name"] for group in groups} <= {"procedures", "pages", "sessions"}
        assert '<script>"' not in shown(client.get(f"/search?{query}"))
        assert program.get(f"/api/search?{query}").status_code in (200, 422)


def test_nobody_searches_without_signing_in(client: Any) -> None:
    for address in ("/search", "/search/results?q=a"):
        assert re.match("/sign-in", client.get(address).headers["Location"])
