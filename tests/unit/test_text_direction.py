"""Foreign texts in sentences of pages keep their own direction: a look at all templates."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils.translation import override

from dashboard.overview.words import sentence, strong
from dashboard.templatetags.pieces import isolated, styled

TEMPLATES = Path(__file__).parents[2] / "templates"
BLOCK = re.compile(r"{% blocktranslate\b(.*?)%}(.*?){% endblocktranslate %}", re.DOTALL)
PRINTED = re.compile(r"{{ (\w+) }}")
OWN_DIRECTION = re.compile(r"<(bdi|code)>{{ (\w+) }}</\1>")
ADDRESS = re.compile(r'(?:href|src)="[^"]*"')
ISOLATED = re.compile(
    r'\b(\w+)=(?:[^\s"]|"[^"]*")*\|(?:isolated|length|floatformat\S*|up_to\S*|add\S*)(?=\s|$)'
)
DRAWN = re.compile(r"{% (?:moment|now) [^%]* as (\w+) %}")
OURS = {
    *re.findall(
        r"\w+",
        """
    age all at at_most attempt attempts channel count currency date days digest done due hours id
    kept left maximum more_coming most most_at_once most_new most_shown n number of place read_at
    refused removed searched short shown state times type until uses version versions when why words
    worked
    """,
    )
}
"""Numbers, times, digests and words of the site itself."""
ARABIC, ENGLISH = "مها (7)", "Ann (7)"


def foreign_texts(html: str) -> Iterator[str]:
    """Yield the variables that a template prints in sentences without keeping them apart."""
    drawn = {
        *DRAWN.findall(html),
        *ISOLATED.findall(" ".join(re.findall(r"{% with (.*?)%}", html))),
    }
    for block in BLOCK.finditer(html):
        before, head, body = html[: block.start()], *block.groups()
        is_attribute = before.rfind("<") > before.rfind(">")
        if is_attribute or before.endswith(("{% block title %}", "<title>")):
            continue
        apart = {name for _tag, name in OWN_DIRECTION.findall(body)}
        printed = set(PRINTED.findall(ADDRESS.sub("", OWN_DIRECTION.sub("", body))))
        yield from printed - drawn - OURS - apart - {*ISOLATED.findall(head)}


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda one: one.name)
def test_texts_of_others_are_kept_apart_in_every_sentence_of_a_template(path: Path) -> None:
    assert not {*foreign_texts(path.read_text())}


def test_the_look_at_templates_finds_a_name_that_is_not_kept_apart() -> None:
    assert [*foreign_texts("{% blocktranslate %}By {{ name }}{% endblocktranslate %}")] == ["name"]


def test_only_a_text_of_the_other_direction_is_wrapped() -> None:
    told = sentence("Waiting for {people} to answer {prompt}.", people=ARABIC, prompt=strong("<7>"))

    assert isolated(ENGLISH) == ENGLISH
    assert isolated(f"<{ARABIC}>") == f"<bdi>&lt;{ARABIC}&gt;</bdi>"
    assert styled(told) == (
        f"Waiting for <bdi>{ARABIC}</bdi> to answer <strong>&lt;7&gt;</strong>."
    )
    with override("ar"):
        assert (isolated(ARABIC), isolated(ENGLISH)) == (ARABIC, f"<bdi>{ENGLISH}</bdi>")
