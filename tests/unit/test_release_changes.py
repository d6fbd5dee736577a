"""The reading of commits by `release`: reverts, squashed branches, odd words."""

import re
from html import unescape
from pathlib import Path

import pytest

from dashboard.templatetags.markdown import markdown
from examples.notes import escaped
from procedures.engine.journal.events import RunStatus
from tests.releases import choose, notices, question, start, store_for
from tests.repositories import IDENTITY, Checkout


@pytest.fixture
def shop(tmp_path: Path) -> Checkout:
    checkout = Checkout(tmp_path / "shop")
    checkout.commit("Begin", shop="1")
    checkout.tag("v1.2.0")
    return checkout


def revert(shop: Checkout, *commits: str, message: str = "") -> str:
    """Revert commits in git's words, or in other words."""
    subject = shop.git("log", "-1", "--format=%s", commits[0])
    body = "".join(f"This reverts commit {commit}.\n" for commit in commits)
    return shop.commit(message or f'Revert "{subject}"\n\n{body}')


def drafted(shop: Checkout) -> tuple[str, str]:
    """The version that is proposed, and the draft of the notes."""
    store = store_for(shop)
    run_id = start(store)
    asked = question(store, run_id)
    proposed = asked["schema"]["enum"][0]
    choose(store, run_id, proposed)
    return asked["labels"][proposed], question(store, run_id)["draft"]


# Taken back


def test_a_feature_that_was_reverted_is_not_announced(shop: Checkout) -> None:
    feature = shop.commit("feat: pay by cheque")
    shop.commit("fix: round half up")
    revert(shop, feature)

    label, draft = drafted(shop)

    assert label == "1.2.1 · patch, proposed"
    assert draft == "# shop 1.2.1\n\n## Fixes\n\n- round half up\n"


@pytest.mark.parametrize(
    "words",
    [
        'Revert "feat: pay by cheque"',
        'Revert "feat: pay by cheque" (#13)',
        "revert: feat: pay by cheque",
        "revert: feat: pay by cheque\n\nRefs: {commit}",
        "Away with it\n\nThis reverts commit {short}.",
        'Revert "feat: pay by cheque"\n\nThis reverts commit 0123456789abcdef.',
    ],
)
def test_a_revert_in_other_words_is_one(shop: Checkout, words: str) -> None:
    feature = shop.commit("feat: pay by cheque")
    shop.commit("fix: it")
    shop.commit(words.format(commit=feature, short=feature[:9]))

    assert drafted(shop)[1] == "# shop 1.2.1\n\n## Fixes\n\n- it\n"


def test_a_revert_of_several_commits_takes_them_all_back(shop: Checkout) -> None:
    first, second = shop.commit("feat: one"), shop.commit("feat!: two")
    shop.commit("fix: it")
    revert(shop, first, second)

    assert drafted(shop)[1] == "# shop 1.2.1\n\n## Fixes\n\n- it\n"


def test_what_was_reverted_and_brought_back_is_announced(shop: Checkout) -> None:
    feature = shop.commit("feat: pay by cheque")
    revert(shop, revert(shop, feature))

    assert drafted(shop)[1] == "# shop 1.3.0\n\n## Features\n\n- pay by cheque\n"


def test_a_revert_of_what_was_released_is_a_change(shop: Checkout) -> None:
    revert(shop, shop.first_commit)

    assert '- Revert "Begin"' in drafted(shop)[1]


def test_a_reverted_merge_takes_back_what_it_brought(shop: Checkout) -> None:
    shop.git("checkout", "--quiet", "-b", "cheques")
    shop.commit("feat: pay by cheque", cheque="1")
    shop.commit("feat: sign cheques", cheque="2")
    shop.git("checkout", "--quiet", "main")
    shop.commit("fix: it", shop="2")
    shop.git("merge", "--quiet", "--no-ff", "cheques", "-m", "Merge cheques", also=IDENTITY)
    shop.git("revert", "--mainline", "1", "--no-edit", "HEAD")

    assert drafted(shop)[1] == "# shop 1.2.1\n\n## Fixes\n\n- it\n"


def test_the_same_subject_twice_is_taken_back_once(shop: Checkout) -> None:
    shop.commit("feat: more")
    shop.commit("feat: more")
    shop.commit('Revert "feat: more"')

    assert drafted(shop)[1].count("- more") == 1


def test_when_all_was_taken_back_there_is_nothing_to_release(shop: Checkout) -> None:
    revert(shop, shop.commit("feat: pay by cheque"))
    store = store_for(shop)

    run_id = start(store)

    assert store.runs[run_id].status == RunStatus.FAILED
    assert notices(store, run_id) == [
        "There is nothing to release: all commits since v1.2.0 were reverted by later ones."
    ]


def test_a_reference_is_no_revert(shop: Checkout) -> None:
    feature = shop.commit("feat: pay by cheque")
    shop.commit(f"fix: sign it\n\nRefs: {feature}")

    assert "- pay by cheque" in drafted(shop)[1]


# Breaking, and squashed


@pytest.mark.parametrize(
    "body",
    [
        "* feat!: no more cash",
        "* docs: more\n  * fix(api)!: say no",
        "- refactor!: other names",
        "  BREAKING CHANGE: no more cash",
        "\tBREAKING-CHANGE: no more cash",
        "* BREAKING CHANGE: no more cash",
        "BREAKING CHANGE #12",
        "Words.\r\n\r\nBREAKING CHANGE: no more cash\r\n",
    ],
)
def test_a_breaking_change_is_found_wherever_it_stands(shop: Checkout, body: str) -> None:
    shop.commit(f"Pay otherwise (#12)\n\n{body}")

    label, draft = drafted(shop)

    assert label == "2.0.0 · major, proposed"
    assert "## Breaking changes\n\n- Pay otherwise (#12)" in draft


@pytest.mark.parametrize(
    "body", ["No BREAKING CHANGE: none at all", "- Note!: read this", "breaking change: small"]
)
def test_words_about_breaking_break_nothing(shop: Checkout, body: str) -> None:
    shop.commit(f"Pay otherwise\n\n{body}")

    assert drafted(shop)[0] == "1.2.1 · patch, proposed"


@pytest.mark.parametrize(
    ("body", "heading"),
    [("* feat: a\n* fix: b", "Features"), ("* docs: a\n* fix(x): b", "Fixes")],
)
def test_a_squashed_branch_is_of_the_sort_of_its_commits(
    shop: Checkout, body: str, heading: str
) -> None:
    shop.commit(f"Pay by cheque (#12)\n\n{body}")

    assert f"## {heading}\n\n- Pay by cheque (#12)" in drafted(shop)[1]


def test_a_subject_that_tells_its_sort_is_believed(shop: Checkout) -> None:
    shop.commit("fix: pay (#12)\n\n* feat: try\n* fix: it")

    assert drafted(shop)[0] == "1.2.1 · patch, proposed"


# Words that Markdown would change


@pytest.mark.parametrize(
    "text",
    [
        "__init__ comes out whole",
        "call __init__ and _private_ and snake_case and __dunder_name__",
        "_a_ __b__ ___c___ _",
        "~~gone~~ and ~5 and ~~~",
        "1. first",
        "2) second",
        "# no heading",
        "- - -",
        "*stars* **bold** `code` [link](x) ![image](y) <b>tag</b> a|b",
        "&amp; &#65; AT&T \\ \\*",
        "+ plus = equals",
        "> quoted",
        "é_è_ über_ _ß",
    ],
)
def test_markdown_shows_a_subject_as_it_was_written(text: str) -> None:
    html = str(markdown(f"- {escaped(text)}"))

    assert unescape(re.sub(r"<[^>]*>", "", html)).strip() == text
    assert set(re.findall(r"<(\w+)", html)) == {"ul", "li"}
