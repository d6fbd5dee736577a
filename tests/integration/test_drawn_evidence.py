"""All of the evidence is drawn, whatever its names and shapes are, and the digest covers it."""

import json
import random
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chat.models import HumanRequest, HumanResponse
from chat.services import Answer, respond
from dashboard.channels.letter import letter_about
from procedures.engine.values import canonical
from procedures.runner import advance_run
from tests.calls import caller, request_of, run_until_it_waits
from tests.pages import browser, grant_to_both

pytestmark = pytest.mark.django_db
NAMES = [
    *("items", "keys", "values", "get", "count", "pop", "index", "copy", "update", "clear"),
    *("__class__", "__dict__", "__len__", "_", "self", "forloop", "block", "text", "shape"),
    *("0", "1", "-1", "1e3", "007", "", " ", " padded ", "a b", "a.b", "a__b", "order_id"),
    *("Order id", "{{ x }}", "{% now %}", "<b>", "&amp;", '"', "'", "größe", "数量", "🙂", "name"),
]
EVERY_NAME = {name: place for place, name in enumerate(NAMES)}
TELLING, OTHERS = (5, 11), (*range(5), *range(6, 11))
"""Seeds: a list and an object with every kind of value in them; most others make one scalar."""
VALUES: list[Any] = [
    {"items": [["pen", 1]], "total": "900,000 EUR", "payee": "Mallory"},
    {"items": ["a"]},
    {"items": {"items": {"items": 1}}},
    {"keys": 1, "values": 2, "get": 3, "count": 4, "": 5, " ": 6},
    [{"items": 1, "count": 2}, {"keys": 3, "items": None}],
    [{str(number): number} for number in range(40)],
    {"name": "a/b", "digest": [], "size": "big", "content_type": None},
    {"name": "x.csv", "digest": "0", "size": 3, "content_type": "text/csv"},
    EVERY_NAME,
    *(0, False, "", [], {}, [[]], [{}], [None], None, -1.5, "text", "<script>", 10**400),
    {"n": "1e999", "m": "1_000", "o": "٣", "p": "nan", "q": 10**400},
]


class Text(HTMLParser):
    """The text of a page as it is read, and the names in titles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.titles: list[str] = []
        self.frames: list[str] = []
        self.feed(html)

    def handle_endtag(self, tag: str) -> None:
        if tag == "pre":
            self.frames.append(self.texts[-1].strip())

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.titles += [value or "" for name, value in attrs if name == "title"]

    @property
    def text(self) -> str:
        return "".join(self.texts)


class Maker:
    """Random JSON whose scalars are told from each other."""

    def __init__(self, seed: int) -> None:
        self.random, self.made = random.Random(seed), 0  # noqa: S311 (no secret)

    def value(self, depth: int = 3) -> Any:
        kind = self.random.randrange(10 if depth else 6)
        if kind < 6:
            return self.scalar()
        if kind < 8:
            return {self.name(): self.value(depth - 1) for _ in range(self.random.randrange(6))}
        if kind == 8:
            names = [self.name() for _ in range(self.random.randrange(1, 5))]
            return [
                {name: self.value(depth - 2 if depth > 1 else 0) for name in names[place % 2 :]}
                for place in range(self.random.randrange(1, 5))
            ]
        return [self.value(depth - 1) for _ in range(self.random.randrange(5))]

    def scalar(self) -> Any:
        self.made += 1
        return self.random.choice(
            [
                *(f"v{self.made}", f"<v{self.made}>", f"“v{self.made}” & {{{{ v }}}}", "", None),
                *(self.made * 1001, -self.made / 8, True, False, 10**30 + self.made),
                *(f"line {self.made}\n" * 25, f"v{self.made} " * 200),
            ]
        )

    def name(self) -> str:
        return self.random.choice(NAMES)


def told(value: Any) -> str:
    """The text of a scalar on a page."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value in ([], {}):
        return {"None": "none", "[]": "no items", "{}": "no values"}[str(value)]
    return "empty" if value == "" else str(value)


def cells_of(value: Any, level: int = 1) -> list[Any]:
    """The values that are drawn each by itself: what is nested below three levels is JSON."""
    if isinstance(value, dict) and value:
        return [cell for one in value.values() for cell in cells_inside(one, level + 1)]
    if isinstance(value, list) and value:
        is_table = is_one_table(value)
        return [one for row in value for one in row.values()] if is_table else value
    return [value]


def cells_inside(value: Any, level: int) -> list[Any]:
    """The cells of a value inside a mapping, where lists are drawn only if they are tables."""
    return cells_of(value, level) if is_drawn_inside(value, level) else [value]


def is_drawn_inside(value: Any, level: int) -> bool:
    is_drawn = isinstance(value, dict) or (isinstance(value, list) and is_one_table(value))
    return bool(value) and is_drawn and level <= 3


def is_one_table(rows: list[Any]) -> bool:
    """Rows with too many names together are drawn as JSON, each by itself."""
    is_named = all(isinstance(row, dict) and row for row in rows)
    return is_named and len({name for row in rows for name in row}) <= 20


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def names_of(value: Any, level: int = 1) -> Iterator[str]:
    """The names that are drawn beside values; those of nested ones stand in their JSON."""
    if isinstance(value, dict):
        yield from value
        for one in value.values():
            if is_drawn_inside(one, level + 1):
                yield from names_of(one, level + 1)
    elif isinstance(value, list) and value and is_one_table(value):
        yield from dict.fromkeys(name for row in value for name in row)


def asked(evidence: Any, alice: User) -> HumanRequest:
    return request_of(run_until_it_waits("shows_evidence", by=alice, evidence=evidence))


def check_everywhere(evidence: Any, alice: User, bob: User) -> None:
    """Check it on every page, in the API, in the mail, in storage, and on the pages afterwards."""
    request = asked(evidence, alice)
    run = request.wait.run
    bobs, alices = browser(bob), browser(alice)
    check_page(bobs, "/", evidence)
    check_page(bobs, f"/chat/{request.session_id}", evidence)
    check_page(alices, f"/runs/{run.pk}", evidence)
    assert bobs.get(f"/requests/{request.pk}/form").status_code == 200
    for path in ("", "/events"):
        assert caller(alice).get(f"/api/runs/{run.pk}{path}").status_code == 200
    check_request(request, evidence, bob)
    advance_run(run.pk)
    assert alices.get(f"/runs/{run.pk}").status_code == 200  # with its result
    for path in (f"/requests/{request.pk}", f"/chat/{request.session_id}"):
        check_page(bobs, path, evidence)


def check_request(request: HumanRequest, evidence: Any, bob: User) -> None:
    """Check it on its own page, in the API and in the mail; and as it is stored with the answer."""
    check_page(browser(bob), f"/requests/{request.pk}", evidence)
    assert caller(bob).get(f"/api/requests/{request.pk}").json()["evidence"] == evidence
    check_letter(letter_about(request, to=bob).text, evidence)
    respond(request.pk, Answer(value=True), by=bob)
    response = HumanResponse.objects.get(request=request)
    kept = json.loads(response.shown)["evidence"]
    assert kept == evidence
    assert response.evidence_digest == canonical.digest(canonical.text_of((evidence, None)))


def check_page(client: Client, path: str, evidence: Any) -> None:
    page = client.get(path)
    assert page.status_code == 200, path
    check_drawn(page.content.decode(), evidence, path)


def check_drawn(html: str, evidence: Any, path: str) -> None:
    """All of it, or a link to all of it beside the words that it is not."""
    page = Text(html)
    if "Download everything" in page.text:
        return
    if evidence is not None:
        data = [json.loads(text) for text in page.frames if text[:1] in "[{" and is_json(text)]
        for value in cells_of(evidence):
            is_nested = isinstance(value, dict | list) and value
            assert value in data if is_nested else told(value) in page.text, (path, value)
    for name in names_of(evidence):
        assert name in page.titles, (path, name)


def check_letter(text: str, evidence: Any) -> None:
    """Each value on its line, or how many lines are not there."""
    lines = [line for line in text.splitlines() if line.startswith("  ")]
    leaves = list(leaves_of(evidence))
    if not any("more line" in line for line in lines):
        assert len(lines) - 1 == (0 if evidence is None else len(leaves))


def leaves_of(value: Any) -> Iterator[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if not inner:
        yield value
    for one in inner:
        yield from leaves_of(one)


@pytest.mark.parametrize(
    "seed", [*TELLING, *(pytest.param(seed, marks=pytest.mark.soak) for seed in OTHERS)]
)
def test_evidence_of_any_shape_is_wholly_drawn(seed: int, alice: User, bob: User) -> None:
    grant_to_both("shows_evidence")
    check_everywhere(Maker(seed).value(), alice, bob)


@pytest.mark.parametrize("evidence", VALUES, ids=range(len(VALUES)))
def test_names_of_templates_and_empty_values_are_drawn(
    evidence: Any, alice: User, bob: User
) -> None:
    grant_to_both("shows_evidence")
    check_request(asked(evidence, alice), evidence, bob)


@pytest.mark.parametrize(
    "evidence",
    [
        pytest.param(value, id=str(number), marks=() if value == EVERY_NAME else pytest.mark.soak)
        for number, value in enumerate(VALUES)
    ],
)
def test_they_are_drawn_on_every_page(evidence: Any, alice: User, bob: User) -> None:
    grant_to_both("shows_evidence")
    check_everywhere(evidence, alice, bob)


@pytest.mark.parametrize("levels", [12, 48])
def test_deep_evidence_does_not_swell(levels: int, alice: User, bob: User) -> None:
    grant_to_both("shows_evidence")
    deep: Any = [0] * 2000
    for _ in range(levels):
        deep = {"items": deep}
    page = browser(bob).get(f"/requests/{asked({'deep': deep}, alice).pk}")

    assert page.status_code == 200
    assert len(page.content) < 250_000


@pytest.mark.parametrize("wide", [200, 2000])
def test_rows_without_common_names_do_not_swell(wide: int, alice: User, bob: User) -> None:
    grant_to_both("shows_evidence")
    rows = [{f"name {number}": number} for number in range(wide)]
    page = browser(bob).get(f"/requests/{asked(rows, alice).pk}")

    assert len(page.content) < 60_000 + wide * 400
