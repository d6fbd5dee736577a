"""The text of a mail about a request, whatever the author wrote."""

import json
import re

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import strip_tags

from dashboard.channels.letter import Letter, letter_about
from tests.calls import grant, request_of, run_until_it_waits
from tests.pages import browser, shown

pytestmark = pytest.mark.django_db
URL = "https://shop.example/orders/2024-1187/returns/" + "a-b-" * 40 + "end"


def letter(
    alice: User, bob: User, *, prompt: str = "Pay?", body: str = "", told: str = ""
) -> Letter:
    grant("question", Group.objects.get(name="support"), "start")
    request = request_of(run_until_it_waits("question", by=alice))
    request.prompt, request.wait.run.subject = prompt, told
    request.question = json.dumps({**json.loads(request.question), "body": body})
    return letter_about(request, to=bob)


@pytest.mark.parametrize(
    ("told", "shown_as"),
    [
        ("返金しますか" * 40, f"{('返金しますか' * 40)[:61]} …"),
        ("a" * 500, f"{'a' * 61} …"),
        ("refund " * 20, "refund refund refund refund refund refund refund refund …"),
        ("Refund " + "x" * 190, f"Refund {'x' * 54} …"),
        ("Refund\r\nBcc: all@sign.example\u202e", r"Refund Bcc: all@sign.example\u202e"),
        ("", "Question"),
    ],
)
def test_the_subject_asks_for_an_answer_in_one_short_line(
    alice: User, bob: User, told: str, shown_as: str
) -> None:
    subject = letter(alice, bob, prompt="Is 1234 the code?", told=told).subject

    assert subject == f"Please answer: {shown_as}"
    assert len(subject) <= 78
    assert subject.isprintable()


@pytest.mark.parametrize("place", ["prompt", "body"])
def test_an_address_stays_whole(alice: User, bob: User, place: str) -> None:
    text = letter(alice, bob, **{place: f"Look at {URL} first, " + "please " * 20}).text

    assert URL in text
    assert max(len(line) for line in text.splitlines() if "://" not in line) <= 76


@pytest.mark.parametrize("place", ["prompt", "body"])
def test_words_that_no_line_holds_are_broken(alice: User, bob: User, place: str) -> None:
    text = letter(alice, bob, **{place: "返金しますか" * 80}).text

    assert "".join(text.split()).count("返金しますか" * 80) == 1
    assert max(map(len, text.splitlines())) <= 76


def test_the_authors_text_stands_below_the_prompt(alice: User, bob: User) -> None:
    body = "The parcel came back.\n\n- damaged\n  - by rain\n\n    code(a,  b)\n\tend\u202e"

    text = letter(alice, bob, body=body).text

    assert (
        "    Pay?\n\nThe parcel came back.\n\n- damaged\n  - by rain\n\n    code(a,  b)\n"
        " end\\u202e\n\n"
    ) in text


def test_of_a_long_text_the_beginning_is_told(alice: User, bob: User) -> None:
    text = letter(alice, bob, body="\n".join(f"line {number}" for number in range(500))).text

    assert "line 39\n… The rest is on the page.\n" in text
    assert "line 40" not in text


def test_of_an_endless_line_the_beginning_is_told(alice: User, bob: User, finance: Group) -> None:
    text = letter(alice, bob, body="word " * 100_000).text

    assert "… The rest is on the page.\n" in text
    assert len(text) < 6000


def test_what_may_have_changed_since_is_told_as_read_at_its_time(admin_user: User) -> None:
    request = request_of(run_until_it_waits("volatile_evidence", by=admin_user))
    at = date_format(timezone.localtime(request.opened_at), "j F Y, H:i e")

    text = letter_about(request, to=admin_user).text

    assert re.search(rf"source\.read_at: 12:\d\d \(as of {re.escape(at)}\)", text)
    assert text.count("as of") == 1
    # The page of the run shows the evidence on the card of the question, and beside its step.
    for path, count in ((f"/requests/{request.pk}", 1), (f"/runs/{request.wait.run_id}", 2)):
        page = strip_tags(shown(browser(admin_user).get(path)))
        assert page.count("Read at: as of") == count
