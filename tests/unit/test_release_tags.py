"""The tags that `release` takes for versions, and its messages about the others."""

from pathlib import Path

import pytest

from procedures.engine import InputError
from procedures.engine.journal.events import RunStatus
from tests.releases import approve, choose, notices, question, review, start, store_for
from tests.repositories import Checkout


@pytest.fixture
def shop(tmp_path: Path) -> Checkout:
    checkout = Checkout(tmp_path / "shop")
    checkout.commit("Begin", shop="1")
    return checkout


def tagged(shop: Checkout, *tags: str) -> Checkout:
    for tag in tags:
        shop.tag(tag)
    shop.commit("feat: more")
    return shop


def refusal(shop: Checkout, **inputs: str) -> str:
    store = store_for(shop)
    run_id = start(store, **inputs)
    assert store.runs[run_id].status == RunStatus.FAILED
    return notices(store, run_id)[0]


@pytest.mark.parametrize(
    ("tag", "prefix"),
    [
        ("release-2.7.1", "release-"),
        ("shop@1.4.0", "shop@"),
        ("shop/v1.4.0", "shop/v"),
        ("@scope/shop@1.4.0", "@scope/shop@"),
        ("V1.4.0", "V"),
        ("version_1.4.0", "version_"),
    ],
)
def test_tags_of_another_form_are_no_first_release(shop: Checkout, tag: str, prefix: str) -> None:
    assert refusal(tagged(shop, tag)) == (
        f"No tag of “shop” is a version like v1.2.3. Its tags include {tag}. Enter their prefix "
        f"when you start the run, for example “{prefix}”."
    )


@pytest.mark.parametrize("tag", ["1.4", "v3", "2026-05-01", "build-77", "v1.0.0-rc.1", "v1.2.3.4"])
def test_tags_without_three_numbers_are_no_first_release_either(shop: Checkout, tag: str) -> None:
    assert refusal(tagged(shop, tag)).startswith(
        f"No tag of “shop” is a version like v1.2.3. Its tags include {tag}. Enter their prefix"
    )


def test_many_tags_are_named_and_counted(shop: Checkout) -> None:
    tagged(shop, *(f"r{number}" for number in range(8)))

    assert "Its tags include r7, r6, r5, r4, r3 and 3 more. " in refusal(shop)


@pytest.mark.parametrize(
    ("last", "prefix", "following"),
    [
        ("release-2.7.1", "release-", "release-2.8.0"),
        ("shop@1.4.0", "shop@", "shop@1.5.0"),
        ("shop/v1.4.0", "shop/v", "shop/v1.5.0"),
        ("r1+1.4.0", "r1+", "r1+1.5.0"),
    ],
)
def test_a_prefix_chosen_at_the_start_is_read_and_written(
    shop: Checkout, last: str, prefix: str, following: str
) -> None:
    store = store_for(tagged(shop, last, "v9.9.9"))
    run_id = start(store, prefix=prefix)

    assert question(store, run_id)["evidence"]["since"] == last
    assert question(store, run_id)["evidence"]["tags_passed_over"] == "v9.9.9"
    choose(store, run_id, "minor")
    review(store, run_id)
    approve(store, run_id)
    assert following in shop.tags


def test_a_part_of_a_prefix_is_told_the_whole(shop: Checkout) -> None:
    assert refusal(tagged(shop, "shop/v1.4.0"), prefix="shop/") == (
        "No tag of “shop” is a version like shop/1.2.3. Its tags include shop/v1.4.0. Enter their "
        "prefix when you start the run, for example “shop/v”."
    )


def test_a_new_prefix_begins_with_0_1_0(shop: Checkout) -> None:
    store = store_for(tagged(shop, "till@1.4.0"))

    labels = question(store, start(store, prefix="shop@"))["labels"]

    assert labels["minor"] == "0.1.0 · minor, proposed"


@pytest.mark.parametrize("prefix", ["a b", "-x", "/v", "a..b", "a~", "a:", "v*", "x@{", "é", "a//"])
def test_what_no_tag_can_begin_with_is_refused(shop: Checkout, prefix: str) -> None:
    with pytest.raises(InputError, match="No tag can begin with"):
        start(store_for(shop), prefix=prefix)


def test_the_question_names_what_was_passed_over(shop: Checkout) -> None:
    store = store_for(tagged(shop, "v0.1.0", "release-2.7.1", "nightly"))

    evidence = question(store, start(store))["evidence"]

    assert evidence["since"] == "v0.1.0"
    assert evidence["tags_passed_over"] == "release-2.7.1, nightly"


def test_versions_of_another_branch_only_are_no_first_release(shop: Checkout) -> None:
    shop.git("checkout", "--quiet", "--orphan", "other")
    shop.commit("Elsewhere")
    shop.tag("v2.7.1")
    shop.git("checkout", "--quiet", "main")

    assert refusal(shop) == (
        "“shop” has the version v2.7.1, but not in the history of the branch that is "
        "checked out. Check out the branch to release."
    )


@pytest.mark.parametrize(
    ("message", "label"),
    [
        ("fix: it", "0.0.1 · patch, proposed"),
        ("feat: it", "0.1.0 · minor, proposed"),
        ("feat!: it", "1.0.0 · major, proposed"),
    ],
)
def test_after_0_0_0_the_commits_propose_the_version(
    shop: Checkout, message: str, label: str
) -> None:
    shop.tag("v0.0.0")
    shop.commit(message)
    store = store_for(shop)

    assert label in question(store, start(store))["labels"].values()
