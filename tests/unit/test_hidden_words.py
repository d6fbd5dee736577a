"""Words for screen readers are hidden by the stylesheet of their page."""

from pathlib import Path

TEMPLATES = Path(__file__).parents[2] / "templates"
OURS, DJANGOS = 'class="unseen"', 'class="visually-hidden"'


def test_words_for_screen_readers_are_hidden_on_every_page() -> None:
    pages = {path: path.read_text() for path in TEMPLATES.rglob("*.html")}
    of_the_admin = {path for path in pages if "admin" in str(path.relative_to(TEMPLATES))}

    assert not [path for path in of_the_admin if OURS in pages[path]]
    assert not [path for path in {*pages} - of_the_admin if DJANGOS in pages[path]]
