"""Mails about requests as HTML: everything to decide by, safe, for mail programs and phones."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from chat.models import HumanRequest, Message
from dashboard.channels.letter import letter_about, letter_about_alert, letter_about_several
from tests.pages import ask

pytestmark = pytest.mark.django_db


def changed(request: HumanRequest, *, prompt: str = "", **question: Any) -> HumanRequest:
    request.prompt = prompt or request.prompt
    known = json.loads(request.question)
    known.pop("order", None)
    request.question = json.dumps({**known, **question})
    return request


def drawn(alice: User, bob: User, **question: Any) -> str:
    html = letter_about(changed(ask("approval", by=alice), **question), to=bob).html
    return re.sub(r"\s+(?=<)", "", html)


def test_the_body_is_markdown_without_scripts_pictures_or_foreign_links(
    alice: User, bob: User
) -> None:
    body = "**Broken** <script>alert(1)</script> ![x](https://spy.example/x.png) [a](javascript:b)"

    html = drawn(alice, bob, body=body)

    assert "<strong>Broken</strong>" in html
    assert "<img" not in html
    assert "spy.example" not in html
    assert "<script" not in html
    assert 'href="javascript' not in html


def test_a_prompt_and_names_are_no_markup(alice: User, bob: User) -> None:
    evidence = {"<b>who": "<script>x</script>", "lines": [{"<i>": "<u>"}]}

    html = drawn(alice, bob, prompt="Pay <b>now</b>?", evidence=evidence)

    assert "Pay &lt;b&gt;now&lt;/b&gt;?" in html
    assert not re.search("<(b|i|u|script)>", html)


def test_evidence_is_a_table_of_names_and_a_table_of_rows(alice: User, bob: User) -> None:
    evidence = {
        "order_id": "A-7",
        "lines": [{"article": "Pen", "price": "10.00 EUR"}, {"article": "Ink", "price": "2 EUR"}],
        "limit": {"before": 100, "after": 1500},
        "scan": {
            "name": "scan.pdf",
            "digest": "a" * 64,
            "size": 2048,
            "content_type": "application/pdf",
        },
    }

    html = drawn(alice, bob, evidence=evidence)

    assert '<th scope="row">Order id</th><td><bdi>A-7</bdi></td>' in html
    assert '<th scope="col">Article</th><th scope="col" class="number">Price</th>' in html
    assert '<td class="number"><bdi>2 EUR</bdi></td>' in html
    assert '<td class="gone"><bdi>100</bdi></td><td class="new"><bdi>1500</bdi></td>' in html
    assert "<bdi>scan.pdf</bdi>" in html


@pytest.mark.parametrize("evidence", ["a text", ["rain", "wind"], 7, {"a": {"b": {"c": [1]}}}, {}])
def test_every_shape_of_evidence_is_drawn(alice: User, bob: User, evidence: Any) -> None:
    html = drawn(alice, bob, evidence=evidence)

    assert html.count("<table") == html.count("</table>")
    assert 'class="data"' in html


def test_texts_from_right_to_left_find_their_own_direction(alice: User, bob: User) -> None:
    html = drawn(alice, bob, prompt="هل تريد الرد؟", body="وصل الطرد", evidence={"العميل": "ليلى"})

    assert '<h1 dir="auto">هل تريد الرد؟</h1>' in html
    assert re.search(r'<div class="body" dir="auto"><p>وصل الطرد</p>', html)
    assert '<table class="data" dir="auto"' in html


def test_of_long_texts_the_beginning_is_shown(alice: User, bob: User) -> None:
    body, evidence = "word " * 100_000, {f"field_{number}": "x" * 900 for number in range(500)}

    html = drawn(alice, bob, body=body, evidence=evidence, prompt="Pay? " * 2000)

    assert "… The rest is on the page." in html
    assert len(html) < 40_000


def test_marks_say_what_is_special(alice: User, bob: User) -> None:
    request = changed(ask("approval", by=alice), risk="high", irreversible=True)
    request.escalated, request.note = 1, "Nobody answered within 4 hours. Also asked: managers."
    request.due_at = timezone.now() - timedelta(minutes=5)

    letter = letter_about(request, to=bob, reminder=2)

    for words in ("Reminder 2", "Escalated", "Overdue", "High risk", "Can&#x27;t be undone"):
        assert f'<span class="mark">{words}</span>' in letter.html
    assert "[Reminder 2 · Escalated · Overdue · High risk · Can't be undone]" in letter.text
    assert "Also asked: managers." in letter.text
    assert "Also asked: managers." in letter.html
    assert letter.subject == "Reminder, please answer: One of each"
    assert letter_about(request, to=bob).subject == "Escalated, please answer: One of each"


def test_an_ordinary_request_has_no_marks(alice: User, bob: User) -> None:
    assert 'class="mark"' not in drawn(alice, bob)


def test_it_says_by_when_and_what_silence_does(alice: User, bob: User) -> None:
    request = ask("told", by=alice)
    request.due_at = timezone.now() + timedelta(minutes=20)

    html = letter_about(request, to=bob).html

    assert "Please answer by" in html
    assert "If nobody answers in time, that counts as “Reject”. The deadline is" in html


def test_a_digest_marks_each_of_its_requests(alice: User, bob: User) -> None:
    requests = [ask("approval", by=alice) for _ in range(3)]
    requests[2].escalated = 1

    letter = letter_about_several(requests, to=bob, reminders=[1, 0, 0])

    assert letter.html.count('class="item"') == 3
    marks = re.findall(r'class="mark">([^<]*)<', letter.html)
    assert marks == ["Reminder 1", "Escalated"]
    assert "  * [Reminder 1] Pay 31.20 €?" in letter.text


def test_an_alert_is_drawn_too(alice: User, bob: User) -> None:
    run = ask("approval", by=alice).wait.run
    alert = Message(run=run, text="Disk <full>", level="error", kind=Message.Kind.NOTICE)

    html = letter_about_alert(alert, to=bob).html

    assert "Disk &lt;full&gt;" in html
    assert f"/runs/{run.pk}" in html
