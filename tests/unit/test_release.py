"""The shipped procedure `release`, on real git repositories, over the journal in memory."""

import sys
from pathlib import Path

import pytest

from examples.release import release
from procedures.engine import InputError
from procedures.engine.journal.events import EventKind, RunStatus, closing
from procedures.testing.memory import MemoryStore
from tests.releases import (
    approve,
    choose,
    contents,
    notices,
    output_of,
    question,
    resolve,
    result_of,
    review,
    start,
    store_for,
)
from tests.repositories import Checkout

FAILS = [sys.executable, "-c", "print('6 hold'); print('1 does not'); raise SystemExit(3)"]


@pytest.fixture
def shop(tmp_path: Path) -> Checkout:
    """Version 1.2.0, and since then a feature, two fixes and something else."""
    checkout = Checkout(tmp_path / "shop")
    checkout.commit("feat: sell things", shop="1")
    checkout.tag("v1.2.0", "Version 1.2.0")
    checkout.commit("docs: say how to pay", shop="2")
    checkout.commit("fix(cart): count twins twice", shop="3")
    checkout.commit("fix: round half up", shop="4")
    checkout.commit("feat(cart): keep the cart over night", shop="5")
    return checkout


@pytest.fixture
def store(shop: Checkout) -> MemoryStore:
    return store_for(shop)


# From the choice to the tag


def test_a_release_is_chosen_edited_checked_approved_and_tagged(
    store: MemoryStore, shop: Checkout
) -> None:
    run_id = start(store)
    choose(store, run_id, "minor")
    edited = question(store, run_id)["draft"].replace("keep the cart", "the cart is kept")
    review(store, run_id, edited.replace("\n", "\r\n"))

    assert approve(store, run_id) == RunStatus.SUCCEEDED

    result = result_of(store, run_id)
    assert (result["verdict"], result["tag"], result["decided_by"]) == (
        "released",
        "v1.3.0",
        "bob",
    )
    head, _, message = shop.tag_text("v1.3.0").partition("\n\n")
    assert f"object {shop.git('rev-parse', 'HEAD')}" in head
    assert "\ntagger alice <countersign@site> " in head
    assert message == edited
    assert "# shop 1.3.0\n" in message
    assert "- **cart:** the cart is kept over night\n" in message


def test_everybody_is_told_what_was_released(store: MemoryStore, shop: Checkout) -> None:
    run_id = start(store)
    choose(store, run_id, "minor")
    review(store, run_id)
    approve(store, run_id)

    assert notices(store, run_id) == [
        "shop 1.3.0 was released: the tag v1.3.0 is on "
        f"{shop.git('rev-parse', 'HEAD')[:10]} and covers 1 feature, 2 fixes, 1 other "
        "commit. Nothing was pushed."
    ]


def test_the_proposed_version_stands_first_and_the_starter_chooses(store: MemoryStore) -> None:
    asked = question(store, start(store))

    assert asked["assign"] == ["@alice"]
    assert list(asked["schema"]["enum"]) == ["minor", "patch", "major", "none"]
    assert asked["labels"] == {
        "minor": "1.3.0 · minor, proposed",
        "patch": "1.2.1 · patch",
        "major": "2.0.0 · major",
        "none": "Do not release",
    }
    assert asked["evidence"]["since"] == "v1.2.0"
    assert [asked["evidence"][name] for name in ("features", "fixes", "other")] == [1, 2, 1]


def test_the_notes_are_drafted_by_sort_and_the_starter_reviews_them(store: MemoryStore) -> None:
    run_id = start(store)
    choose(store, run_id, "minor")

    asked = question(store, run_id)

    assert asked["assign"] == ["@alice"]
    assert asked["draft"] == (
        "# shop 1.3.0\n"
        "\n"
        "## Features\n"
        "\n"
        "- **cart:** keep the cart over night\n"
        "\n"
        "## Fixes\n"
        "\n"
        "- round half up\n"
        "- **cart:** count twins twice\n"
        "\n"
        "## Other changes\n"
        "\n"
        "- docs: say how to pay\n"
    )


def test_what_was_edited_is_kept_and_told(store: MemoryStore) -> None:
    run_id = start(store)
    choose(store, run_id, "minor")
    review(store, run_id, question(store, run_id)["draft"].replace("docs: say", "It says"))

    [told] = [log["text"] for log in contents(store, run_id, EventKind.LOG)[1:]]
    assert "\n-- docs: say how to pay\n+- It says how to pay\n" in told
    assert notices(store, run_id) == ["alice edited the notes. Lines added: 1; removed: 1."]

    approve(store, run_id)
    assert result_of(store, run_id)["edits"] == told


def test_finance_approves_on_evidence(store: MemoryStore) -> None:
    run_id = start(store)
    choose(store, run_id, "minor")
    review(store, run_id)

    asked = question(store, run_id)

    assert asked["assign"] == []
    assert asked["labels"] == {"true": "Release 1.3.0", "false": "Do not release"}
    evidence = asked["evidence"]
    assert (evidence["version"], evidence["tag"], evidence["breaking"]) == ("1.3.0", "v1.3.0", 0)
    assert evidence["check"].startswith("The check “tests” passed in ")
    assert evidence["notes"].startswith("# shop 1.3.0\n")


def test_the_first_release_is_0_1_0(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "new")
    checkout.commit("Begin")
    checkout.tag("nightly")
    store = store_for(checkout)
    run_id = start(store)

    assert question(store, run_id)["labels"]["minor"] == "0.1.0 · minor, proposed"

    choose(store, run_id, "minor")
    assert question(store, run_id)["draft"] == "# shop 0.1.0\n\n## Changes\n\n- Begin\n"
    review(store, run_id)
    approve(store, run_id)
    assert checkout.tags == ["nightly", "v0.1.0"]


@pytest.mark.parametrize(
    ("message", "proposed"),
    [
        ("feat!: pay in advance", "2.0.0 · major, proposed"),
        ("fix(api)!: say no", "2.0.0 · major, proposed"),
        ("Anything\n\nBREAKING CHANGE: no more cash", "2.0.0 · major, proposed"),
        ("Feature: more", "1.3.0 · minor, proposed"),
        ("fix: less", "1.2.1 · patch, proposed"),
        ("Tidy up", "1.2.1 · patch, proposed"),
        ("feature complete", "1.2.1 · patch, proposed"),
    ],
)
def test_the_commits_propose_the_version(tmp_path: Path, message: str, proposed: str) -> None:
    checkout = Checkout(tmp_path / "shop")
    checkout.commit("Begin")
    checkout.tag("v1.2.0")
    checkout.commit(message)
    store = store_for(checkout)

    assert proposed in question(store, start(store))["labels"].values()


def test_the_highest_version_in_the_history_is_the_last(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "shop")
    for tag in ("1.9.0", "1.10.0", "v1.11.0-rc1", "1.2", "--upload-pack=touch x"):
        checkout.commit("Go on")
        if tag.startswith("-"):
            checkout.git("update-ref", "refs/tags/--upload-pack=x", "HEAD")
        else:
            checkout.tag(tag)
    checkout.commit("fix: it")
    store = store_for(checkout)

    asked = question(store, start(store))

    assert asked["evidence"]["since"] == "1.10.0"
    assert asked["labels"]["patch"] == "1.10.1 · patch, proposed"


def test_a_version_tagged_elsewhere_gives_way_to_the_next_of_its_part(
    store: MemoryStore, shop: Checkout
) -> None:
    shop.git("checkout", "--quiet", "-b", "other", "v1.2.0")
    shop.commit("feat: another")
    for tag in ("v1.3.0", "v1.4.0", "2.0.0"):
        shop.tag(tag)
    shop.git("checkout", "--quiet", "main")

    run_id = start(store)

    assert question(store, run_id)["labels"] == {
        "minor": "1.5.0 · minor, proposed (v1.3.0 is tagged elsewhere)",
        "patch": "1.2.1 · patch",
        "major": "3.0.0 · major (2.0.0 is tagged elsewhere)",
        "none": "Do not release",
    }
    choose(store, run_id, "minor")
    assert question(store, run_id)["prompt"] == "Are these the release notes of shop 1.5.0?"


def test_the_tag_goes_onto_what_was_read(store: MemoryStore, shop: Checkout) -> None:
    read = shop.git("rev-parse", "HEAD")
    run_id = start(store)
    choose(store, run_id, "minor")
    shop.commit("feat: too late", shop="6")
    review(store, run_id)
    (shop.path / "unfinished").write_text("work")
    approve(store, run_id)

    assert shop.git("rev-parse", "v1.3.0^{commit}") == read


def test_a_detached_head_is_as_good_as_a_branch(store: MemoryStore, shop: Checkout) -> None:
    shop.git("checkout", "--quiet", "--detach")

    assert question(store, start(store))["kind"] == "choice"


# Refused


def test_who_chooses_no_release_ends_it(store: MemoryStore, shop: Checkout) -> None:
    before = shop.everything()
    run_id = start(store)

    assert choose(store, run_id, "none") == RunStatus.SUCCEEDED

    assert result_of(store, run_id)["verdict"] == "refused"
    assert notices(store, run_id) == [
        "shop wasn't released: alice chose not to release. The repository is unchanged."
    ]
    assert shop.everything() == before


def test_rejected_notes_end_it(store: MemoryStore, shop: Checkout) -> None:
    before = shop.everything()
    run_id = start(store)
    choose(store, run_id, "minor")
    content = closing("rejected", {"decision": "rejected"}, responder="alice", comment="Not yet.")

    assert resolve(store, run_id, content) == RunStatus.SUCCEEDED

    assert result_of(store, run_id)["reason"] == (
        "shop 1.3.0 wasn't released: alice rejected the notes: “Not yet.”. The repository "
        "is unchanged."
    )
    assert shop.everything() == before


def test_notes_left_empty_end_it(store: MemoryStore) -> None:
    run_id = start(store)
    choose(store, run_id, "minor")

    assert review(store, run_id, " \r\n\t") == RunStatus.SUCCEEDED

    assert "alice left the notes empty" in result_of(store, run_id)["reason"]


def test_a_refused_approval_leaves_the_repository_untouched(
    store: MemoryStore, shop: Checkout
) -> None:
    before = shop.everything()
    run_id = start(store)
    choose(store, run_id, "minor")
    review(store, run_id)

    assert approve(store, run_id, yes=False) == RunStatus.SUCCEEDED

    result = result_of(store, run_id)
    assert (result["verdict"], result["decided_by"]) == ("refused", "bob")
    assert shop.everything() == before


def test_a_failed_check_ends_it_before_anybody_approves(shop: Checkout) -> None:
    before = shop.everything()
    store = store_for(shop, FAILS)
    run_id = start(store)
    choose(store, run_id, "minor")

    assert review(store, run_id) == RunStatus.SUCCEEDED

    result = result_of(store, run_id)
    assert result["verdict"] == "check failed"
    assert "The check “tests” failed with exit status 3 after " in result["reason"]
    assert result["check"]["tail"] == "6 hold\n1 does not"
    assert output_of(store, run_id) == b"6 hold\n1 does not\n"
    assert notices(store, run_id)[0].endswith("6 hold\n1 does not")
    assert shop.everything() == before


# Killed in the middle


def test_a_tag_with_the_same_notes_counts_as_done(store: MemoryStore, shop: Checkout) -> None:
    run_id = start(store)
    choose(store, run_id, "minor")
    draft = question(store, run_id)["draft"]
    review(store, run_id)
    shop.git("tag", "--annotate", "--cleanup=verbatim", "--file=-", "v1.3.0", stdin=draft.encode())

    assert approve(store, run_id) == RunStatus.SUCCEEDED

    assert result_of(store, run_id)["verdict"] == "released"


@pytest.mark.parametrize("other", ["lightweight", "other notes", "other commit"])
def test_another_tag_of_that_name_is_refused(
    store: MemoryStore, shop: Checkout, other: str
) -> None:
    run_id = start(store)
    choose(store, run_id, "minor")
    draft = question(store, run_id)["draft"]
    review(store, run_id)
    notes = "Mine." if other == "other notes" else draft
    place = "HEAD~1" if other == "other commit" else "HEAD"
    named = ("--annotate", "--cleanup=verbatim", "--file=-", "v1.3.0", place)
    shop.git("tag", *(("v1.3.0",) if other == "lightweight" else named), stdin=notes.encode())
    before = shop.everything()

    assert approve(store, run_id) == RunStatus.FAILED

    assert notices(store, run_id) == [
        "“shop” already has a different tag v1.3.0. Nothing was changed."
    ]
    assert shop.everything() == before


# What a start may name


@pytest.mark.parametrize("name", ["/etc", "other", "../shop", "shop/../shop", ""])
def test_a_repository_outside_the_settings_is_refused(store: MemoryStore, name: str) -> None:
    with pytest.raises(InputError, match=r"repository: must be one of: shop\."):
        store.start(release, {"repository": name, "check": "tests"})


def test_a_check_is_never_a_command(store: MemoryStore) -> None:
    with pytest.raises(InputError, match=r"check: must be one of: tests\."):
        store.start(release, {"repository": "shop", "check": "touch /tmp/x"})


def test_the_start_form_shows_names_and_no_paths(store: MemoryStore, shop: Checkout) -> None:
    run_id = start(store)

    assert store.runs[run_id].facts.inputs == '{"check":"tests","prefix":"","repository":"shop"}'
    assert str(shop.path) not in "".join(event.data for event in store.runs[run_id].events)
