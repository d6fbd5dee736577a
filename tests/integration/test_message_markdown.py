"""Markdown in what people write: what it shows, and what stays as it was typed."""

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db.models import QuerySet

from chat.models import Message, Searchable, Session
from chat.services import post_message
from dashboard.live.frames import frames
from dashboard.live.streams import Stream
from dashboard.live.views import View
from dashboard.templatetags.typed import typed_html
from tests.pages import browser, shown
from tests.talks import begin_talk
from tests.towers import pass_time

MARKED = """**Done**, @bob. See [the order](https://shop.example/1187) and `*.csv`:

- one
- two

| order | amount |
|-------|--------|
| 1187  | 12 €   |

```
@alice **raw**
```"""


def html_of(text: str) -> str:
    return typed_html(text, Message(kind=Message.Kind.PERSON))


@pytest.fixture
def talk(alice: User, bob: User) -> Session:
    bob.email = "bob@sign.example"
    bob.save()
    return begin_talk(alice, bob, title="Parcels")


@pytest.mark.parametrize(
    "text",
    [
        "__init__.py and *.py, *x*, my_file_name.txt",
        "2 * 3 * 4, 2**3**4, **kwargs and f(*a, **k)",
        "- 5",
        "+ 1 and\n+ 2",
        "# 5 > 3\n> 5\n---\n***",
        "1. May\n1) or later",
        r"C:\_temp\*  &amp; ~~x~~ ![x] [y] (z) a | b",
        "one\n\n\ntwo",
    ],
)
def test_what_is_typed_plainly_stays_as_it_was_typed(text: str) -> None:
    kept = text.replace("&", "&amp;").replace(">", "&gt;").replace("\n", "<br>")

    assert html_of(text) == kept
    # Beside marks, too, all characters stay; only the lines may be apart as paragraphs.
    beside = html_of(f"{text}\n\n`code`")
    for line in kept.split("<br>"):
        assert line.strip() in beside


def test_lists_keep_the_numbers_that_were_typed_and_may_be_nested() -> None:
    html = html_of("2. yes\n5. no\n\nand\n\n* a\n  * b\n  * c\n* d")

    assert '<li value="2">yes</li>\n<li value="5">no</li>' in html
    assert html.count("<ul>") == 2
    assert html.count("<li>") == 4


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[bank](https://bank.example@evil.example/x)", "<code>(evil.example)</code>"),
        ("[run](/runs/1)", "<code>(/runs/1)</code>"),
        ("`x` <b>b</b>", "&lt;b&gt;b&lt;/b&gt;"),
        ("**x** https://a_b.example/*c*", 'href="https://a_b.example/*c*"'),
        ("![p](https://e.example/p.png)", '!<a href="https://e.example/p.png"'),
    ],
)
def test_links_tell_their_host_and_nothing_comes_from_elsewhere(text: str, part: str) -> None:
    html = html_of(text)

    assert part in html
    assert "<img" not in html
    assert html_of(f"{text} [x](javascript:alert(1))").count("<a ") == html.count("<a ")


def test_cells_of_a_table_are_aligned_without_inline_styles() -> None:
    html = html_of("| Order | Amount |\n|---|--:|\n| 1187 | 12 € |")

    assert '<td>1187</td>\n<td data-align="right">12 €</td>' in html
    assert "style" not in html
    assert '<div class="prose__frame scrolls" tabindex="0"><table>' in html


def test_pages_live_frames_lists_mails_and_the_search_show_the_same(
    talk: Session, alice: User, bob: User
) -> None:
    message = post_message(talk, MARKED, by=alice)

    transcript = browser(bob).get(f"/chat/{talk.pk}").content.decode()
    assert f'<strong>Done</strong>, <bdi class="mention" data-person="{bob.pk}">@bob' in transcript
    assert (
        '<a href="https://shop.example/1187" rel="noopener noreferrer">the order</a>' in transcript
    )
    assert "<code>(shop.example)</code> and <code>*.csv</code>:" in transcript
    assert "<li>two</li>" in transcript
    assert "<td>12 €</td>" in transcript
    assert '<pre class="scrolls" tabindex="0"><code>@alice **raw**\n</code></pre>' in transcript
    drawn = transcript.partition('<div class="prose">')[2].partition("</div>")[0]
    [frame] = frames(Stream("session", talk.pk), "page", [View(bob.pk, is_whole=True)], after=0)
    assert drawn in frame.content["html"]

    plain = "Done, @bob. See the order (https://shop.example/1187) and *.csv:"
    assert f"<bdi>{plain}"[:80] in shown(browser(bob).get("/chat"))
    texts: QuerySet[Searchable] = Searchable.objects.filter(message=message)
    assert texts.get().text.startswith(plain)
    assert "@alice **raw**" in texts.get().text
    for _ in range(3):
        pass_time()
    (letter,) = mail.outbox
    assert "Done, @bob. See the order" in letter.body
    whole = browser(bob).get(f"/messages/{message.pk}").content.decode()
    assert whole == MARKED
