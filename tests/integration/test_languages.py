"""Words for people come from catalogues, and what is kept is the same in every language."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.template.base import Lexer, TokenType
from django.utils import translation
from pytest_django.fixtures import Settings

from chat.models import HumanRequest
from dashboard.environment.variables import CHECKOUT
from dashboard.templatetags.texts import TEXTS
from procedures.models import Run
from procedures.runner import advance_run
from tests.calls import grant, request_of, respond, run_until_it_waits
from tests.catalogues import write_catalogue
from tests.pages import ask, browser, queries_of, shown
from tests.runs import result_of

MARK = "[xx] "
TEMPLATES = CHECKOUT / "templates"
SCRIPTS = CHECKOUT / "dashboard" / "static"
OF_ONE_RUN = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32,64}"
    r"|\d{4}-\d\d-\d\dT[\d:.]+Z?(?:\+00:00)?|\d+\.\d{3,}"
)
"""Ids, digests of them, times and durations, which no two runs share."""
READ = {"title", "aria-label", "placeholder", "alt"}
WORD = re.compile(r"[^\W\d_]{2,}")
NO_WORDS = {"Countersign", "JSON", "Europe", "Berlin"}
"""Names that are the same in every language."""
ATTRIBUTE = re.compile(r'[a-z-]+=""|form="[a-z]*"')
"""An attribute in a block of its own, which stands in no tag there."""
COMMENT = re.compile(r"/\*.*?\*/|(?<=\s)//[^\n]*", re.DOTALL)
LITERAL = re.compile(r"""(?P<quote>["'`])(?P<text>(?:[^\\]|\\.)*?)(?P=quote)""", re.DOTALL)
VALUE = re.compile(r"\$\{[^}]*\}")
WORDS = re.compile(r"[A-Z][a-z]+|(?![.#])[^\[]*\b[a-z]+ [a-z]+")
"""The start of a literal that people read: a capitalized word, or two words and no selector."""
KEYS = {
    "Enter",
    "Escape",
    "Tab",
    "ArrowDown",
    "ArrowUp",
    "PageDown",
    "PageUp",
    "Arrow",
    "Mod+",
    "Mod+Enter",
    "Files",  # the browser's name for what is dragged
}
"""Names of keys, as a browser tells them."""
Read = tuple[str, str]


@pytest.fixture
def catalogues(settings: Settings, tmp_path: Path) -> Settings:
    """Catalogues of two languages that mark each sentence of the product."""
    for language in ("de", "ar"):
        write_catalogue(tmp_path, language, MARK)
    settings.LOCALE_PATHS = [tmp_path]
    return settings


# What people read


@pytest.mark.usefixtures("bob")
def test_a_site_in_another_language_draws_its_pages_in_it(
    alice: User, bob: User, catalogues: Settings
) -> None:
    request = ask("told", by=alice)
    client = browser(bob)
    english = queries_of(client, "/")
    catalogues.LANGUAGE_CODE = "de"

    home, card = (shown(client.get(path)) for path in ("/", f"/requests/{request.pk}"))

    assert '<html lang="de"' in home
    assert f"<h1>{MARK}Hello, bob</h1>" in home
    assert f"{MARK}Nothing is waiting for you." in home
    assert f"{MARK}Asked by <bdi>alice</bdi> in <a" in card
    assert f"{MARK}If nobody answers by <strong>" in card
    assert len(queries_of(client, "/")) == len(english)


def test_a_page_brings_the_sentences_of_its_scripts_along(
    alice: User, catalogues: Settings
) -> None:
    catalogues.LANGUAGE_CODE = "de"

    page = shown(browser(alice).get("/"))

    data = re.search('<script id="texts" type="application/json">(.*?)</script>', page)
    assert data
    with translation.override("en"):
        assert json.loads(data[1]) == {name: f"{MARK}{words}" for name, words in TEXTS.items()}


def test_a_page_from_right_to_left_says_so(alice: User, catalogues: Settings) -> None:
    catalogues.LANGUAGE_CODE = "ar"

    assert '<html lang="ar" dir="rtl"' in shown(browser(alice).get("/"))


def test_what_is_typed_stays_text_in_a_translated_sentence(
    alice: User, bob: User, catalogues: Settings
) -> None:
    request = ask("told", by=alice)
    User.objects.filter(pk=alice.pk).update(username="<b>alice</b>")
    catalogues.LANGUAGE_CODE = "de"

    page = shown(browser(bob).get(f"/requests/{request.pk}"))

    assert f"{MARK}Asked by <bdi>&lt;b&gt;alice&lt;/b&gt;</bdi> in <a" in page
    assert "<b>alice" not in page


# What is kept


@pytest.mark.usefixtures("catalogues")
def test_languages_leave_no_trace_in_what_is_kept(bob: User, finance: Group) -> None:
    grant("two_questions", finance, "answer")

    mixed = _answered(bob, asked_in="de", answered_in="ar", replayed_in="en")
    english = _answered(bob, asked_in="en", answered_in="en", replayed_in="en")

    assert mixed.status == "succeeded"
    assert result_of(mixed) == "[true,true]"
    assert _kept(mixed) == _kept(english)
    assert MARK.strip() not in "".join(_kept(mixed))


def _answered(bob: User, *, asked_in: str, answered_in: str, replayed_in: str) -> Run:
    """A run whose two questions were answered by bob's program."""
    with translation.override(asked_in):
        run = run_until_it_waits("two_questions")
    for _round in range(2):
        with translation.override(answered_in):
            assert respond(browser(bob), request_of(run), value=True).status_code == 201
        with translation.override(replayed_in):
            advance_run(run.pk)
    run.refresh_from_db()
    return run


def _kept(run: Run) -> list[str]:
    events = run.events.order_by("seq").values_list("kind", "name", "key", "data")
    rows = HumanRequest.objects.filter(wait__run=run).order_by("pk")
    asked = rows.values_list("question", "outcome", "closed_by", "closed_why")
    given = rows.values_list("responses__value", "responses__shown", "responses__comment")
    return [OF_ONE_RUN.sub("…", str(row)) for row in (*events, *asked, *given)]


# That it stays so


@pytest.mark.parametrize("file", sorted(TEMPLATES.rglob("*.html")), ids=lambda file: file.stem)
def test_every_word_of_a_template_can_be_translated(file: Path) -> None:
    assert not [
        (place, text)
        for place, text in _read_in(file.read_text())
        if set(WORD.findall(text)) - NO_WORDS
    ]


@pytest.mark.parametrize(
    "template",
    [
        "<p>Go home</p>",
        '<img alt="A cup">',
        '<input type="submit" value="Send">',
        "{% if is_old %}<b>Old</b>{% endif %}",
        '{% translate "Go" %} home',
        "{% blocktranslate %}Go{% endblocktranslate %} home",
    ],
)
def test_a_word_outside_of_every_sentence_is_found(template: str) -> None:
    assert _read_in(template)


@pytest.mark.parametrize("file", sorted(SCRIPTS.rglob("*.js")), ids=lambda file: file.stem)
def test_no_script_has_words_of_its_own(file: Path) -> None:
    assert not set(filter(WORDS.match, _literals(file.read_text()))) - KEYS


@pytest.mark.parametrize(
    "script", ['say("Copied");', "say(`${count} more come`);", "say('not sent');"]
)
def test_a_word_in_a_script_is_found(script: str) -> None:
    assert [text for text in _literals(script) if WORDS.match(text)]


def test_scripts_ask_for_the_sentences_that_pages_bring_along() -> None:
    scripts = COMMENT.sub("", "\n".join(file.read_text() for file in SCRIPTS.rglob("*.js")))
    asked = {name for call in re.findall(r"textOf\(([^){]*)", scripts) for name in _literals(call)}

    assert asked
    assert asked <= TEXTS.keys() <= set(_literals(scripts))


def _literals(script: str) -> list[str]:
    """Return the texts in a script's quotation marks, without the values put into them."""
    found = LITERAL.finditer(COMMENT.sub("", script))
    return [VALUE.sub("", one["text"]) for one in found]


def _read_in(template: str) -> list[Read]:
    """Return the words of a template that no tag translates, each with its place."""
    parser = _Words()
    parser.feed(ATTRIBUTE.sub("", "".join(_untranslated(template))))
    parser.close()
    return [(place, text) for place, text in parser.found if WORD.search(text)]


def _untranslated(template: str) -> Iterator[str]:
    is_translated = False
    for token in Lexer(template).tokenize():
        name = token.contents.partition(" ")[0] if token.token_type == TokenType.BLOCK else ""
        if name in {"blocktranslate", "endblocktranslate"}:
            is_translated = name == "blocktranslate"
        elif token.token_type == TokenType.TEXT and not is_translated:
            yield token.contents


class _Words(HTMLParser):
    """The texts of a page, and the attributes that are read."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Read] = []
        self.tag = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tag = tag
        given = dict(attrs)
        read = READ | ({"value"} if given.get("type") in {"submit", "button"} else set())
        self.found += [(name, given[name] or "") for name in sorted(read & given.keys())]

    def handle_endtag(self, tag: str) -> None:
        self.tag = ""

    def handle_data(self, data: str) -> None:
        if self.tag not in {"code", "style"}:  # a command, as people type it
            self.found.append(("text", data))
