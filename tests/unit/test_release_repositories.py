"""Repositories that cannot be released, and those that mean harm."""

import os
import shutil
from contextlib import suppress
from pathlib import Path
from subprocess import CalledProcessError

import pytest

from examples.git import Repository, RepositoryError
from procedures.engine.journal.events import RunStatus
from tests.releases import (
    approve,
    choose,
    notices,
    question,
    review,
    start,
    store_for,
)
from tests.repositories import Checkout

TAGGER = ("alice", "countersign@site")


@pytest.fixture
def shop(tmp_path: Path) -> Checkout:
    checkout = Checkout(tmp_path / "shop")
    checkout.commit("Begin", shop="1")
    checkout.tag("v1.0.0", "Version 1.0.0")
    checkout.commit("fix: it", shop="2")
    return checkout


def refusal(checkout: Checkout) -> str:
    """The message of the run when it fails."""
    store = store_for(checkout)
    run_id = start(store)
    assert store.runs[run_id].status == RunStatus.FAILED
    [sentence] = notices(store, run_id)
    return sentence


# Bad input, in words


def test_a_missing_folder(shop: Checkout) -> None:
    shop.path = shop.path / "gone"

    assert refusal(shop) == "There is no repository at “shop”: the folder is missing."


def test_a_folder_without_a_repository(shop: Checkout) -> None:
    shutil.rmtree(shop.path / ".git")

    assert refusal(shop).startswith("There is no repository at “shop”: git rev-parse: not a git")


def test_a_folder_inside_a_repository_is_none(shop: Checkout) -> None:
    inner = shop.path / "inner"
    inner.mkdir()
    shop.path = inner

    assert refusal(shop).startswith("There is no repository at “shop”")


def test_a_bare_repository(shop: Checkout, tmp_path: Path) -> None:
    shop.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare"))
    shop.path = tmp_path / "bare"

    assert refusal(shop) == "“shop” is a bare repository, but a release needs a checkout."


def test_a_repository_without_commits(tmp_path: Path) -> None:
    assert refusal(Checkout(tmp_path / "empty")) == "“shop” has no commits yet."


def test_nothing_to_release(shop: Checkout) -> None:
    shop.tag("v1.0.1")

    assert refusal(shop) == "There is nothing to release: there are no commits since v1.0.1."


def test_changes_that_are_not_committed(shop: Checkout) -> None:
    for name in ("shop", "new one", "c", "d\n", "e"):
        (shop.path / name).write_text("work")

    assert refusal(shop) == ("“shop” has uncommitted changes: shop, c, d� and 2 more.")


def test_what_is_ignored_is_no_change(shop: Checkout) -> None:
    shop.commit("chore: ignore", **{".gitignore": "*.log\n"})
    (shop.path / "some.log").write_text("noise")
    store = store_for(shop)

    assert question(store, start(store))["kind"] == "choice"


@pytest.mark.parametrize("place", ["named", "by default"])
def test_what_the_workers_user_ignores_everywhere_is_no_change(
    shop: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    home = tmp_path / "home"
    file = home / ("ignored" if place == "named" else ".config/git/ignore")
    file.parent.mkdir(parents=True)
    file.write_text(".idea/\n")
    if place == "named":
        (home / ".gitconfig").write_text("[core]\n  excludesFile = ~/ignored\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    (shop.path / ".idea").mkdir()
    (shop.path / ".idea" / "workspace.xml").write_text("<project/>")
    store = store_for(shop)

    assert question(store, start(store))["kind"] == "choice"

    (shop.path / "work").write_text("mine")
    assert refusal(shop) == "“shop” has uncommitted changes: work."


def test_nothing_else_of_the_users_configuration_is_read(
    shop: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harm = f"touch {tmp_path / 'harm'}"
    (tmp_path / ".gitconfig").write_text(
        f'[core]\n  fsmonitor = "{harm}"\n  pager = "{harm}"\n[alias]\n  status = "!{harm}"\n'
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    store = store_for(shop)

    assert question(store, start(store))["kind"] == "choice"
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("setting", ["[core", "[core]\n  excludesFile = /nowhere/at/all\n"])
def test_a_broken_configuration_of_the_user_is_passed_over(
    shop: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    (tmp_path / ".gitconfig").write_text(setting)
    monkeypatch.setenv("HOME", str(tmp_path))
    store = store_for(shop)

    assert question(store, start(store))["kind"] == "choice"


def test_a_shallow_clone_that_ends_before_the_last_release(shop: Checkout, tmp_path: Path) -> None:
    origin = shop.path.as_uri()
    shop.git("clone", "--quiet", "--depth=1", "--no-tags", origin, str(tmp_path / "shallow"))
    shop.path = tmp_path / "shallow"

    assert refusal(shop) == (
        "“shop” is a shallow clone that doesn't reach back to its last release. Fetch the "
        "rest with git fetch --unshallow --tags."
    )


def test_a_shallow_clone_that_reaches_far_enough_is_released(
    shop: Checkout, tmp_path: Path
) -> None:
    shop.commit("fix: more")
    shop.git("clone", "--quiet", "--depth=3", shop.path.as_uri(), str(tmp_path / "shallow"))
    shop.path = tmp_path / "shallow"
    store = store_for(shop)
    run_id = start(store)
    choose(store, run_id, "patch")
    review(store, run_id)

    assert approve(store, run_id) == RunStatus.SUCCEEDED
    assert "v1.0.1" in shop.tags


def test_a_machine_without_git(shop: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(shop.path))

    with pytest.raises(RepositoryError, match="git isn't installed on this machine"):
        Repository(shop.path, "shop")


def test_a_linked_worktree_is_a_checkout_too(shop: Checkout, tmp_path: Path) -> None:
    shop.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))
    place = Repository(tmp_path / "linked", "shop")

    with place.checked_out(place.head()) as folder:
        assert (folder / "shop").read_text() == "2"


# Programs that the repository names


def plant(shop: Checkout, witness: Path) -> None:
    """Have every way into somebody else's program lead to one that leaves a witness."""
    program = shop.path.parent / "program"
    program.write_text(f"#!/bin/sh\necho \"$0 $*\" >> '{witness}'\ncat\n")
    program.chmod(0o755)
    hooks = shop.path / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("reference-transaction", "post-checkout", "post-index-change", "pre-commit"):
        shutil.copy(program, hooks / hook)
    shop.commit("chore: filter", **{".gitattributes": "* filter=evil diff=evil\n"})
    for key in (
        "core.fsmonitor",
        "core.pager",
        "core.editor",
        "core.sshCommand",
        "core.askPass",
        "diff.external",
        "diff.evil.textconv",
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "gpg.program",
        "pager.log",
        "pager.status",
        "sequence.editor",
    ):
        shop.git("config", key, str(program))
    for key in (
        "tag.gpgSign",
        "tag.forceSignAnnotated",
        "commit.gpgSign",
        "log.showSignature",
        "filter.evil.required",
    ):
        shop.git("config", key, "true")
    shop.git("config", "core.hooksPath", str(hooks))
    shop.git("config", "alias.tag", f"!{program}")
    shop.git("config", "protocol.ext.allow", "always")


def test_nothing_that_a_repository_configures_is_run(shop: Checkout, tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    plant(shop, witness)
    witness.unlink(missing_ok=True)
    os.utime(shop.path / "shop")  # so that git has to look at the content
    store = store_for(shop)

    run_id = start(store)
    choose(store, run_id, "patch")
    review(store, run_id)

    assert approve(store, run_id) == RunStatus.SUCCEEDED
    assert not witness.exists()
    with suppress(CalledProcessError):
        shop.git("status")
    assert witness.exists()  # it would have run


def test_nothing_that_the_user_configures_is_run(
    shop: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[user]\n\tname = Somebody\n[core]\n\tfsmonitor = /evil\nx")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "/evil")

    assert Repository(shop.path, "shop").create_tag("v9.0.0", "HEAD", "Notes\n", tagger=TAGGER)
    assert "tagger alice <countersign@site>" in shop.tag_text("v9.0.0")


# Texts that mean harm


def test_messages_cannot_do_more_than_be_shown(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "shop")
    for message in (
        "feat: <script>alert(1)</script> [click](javascript:alert(1))",
        "fix: # no heading\n\nbody",
        "=HYPERLINK(A1)",
        "--upload-pack=touch x",
        "fix: bell \a escape \x1b[31m turned \u202eback",
        "feat(*a*): **bold** `code` snake_case _emphasis_",
        "",
    ):
        checkout.commit(message)
    checkout.commit("fix: latin \xe9".encode("latin-1"))
    store = store_for(checkout)
    run_id = start(store)
    choose(store, run_id, "minor")

    assert question(store, run_id)["draft"] == (
        "# shop 0.1.0\n"
        "\n"
        "## Features\n"
        "\n"
        "- **\\*a\\*:** \\*\\*bold\\*\\* \\`code\\` snake_case \\_emphasis\\_\n"
        "- \\<script\\>alert(1)\\</script\\> \\[click\\](javascript:alert(1))\n"
        "\n"
        "## Fixes\n"
        "\n"
        "- latin é\n"
        "- bell \\\\u0007 escape \\\\u001b\\[31m turned \\\\u202eback\n"
        "- \\# no heading\n"
        "\n"
        "## Other changes\n"
        "\n"
        "- (without a message)\n"
        "- \\--upload-pack=touch x\n"
        "- \\=HYPERLINK(A1)\n"
    )


def test_a_declared_encoding_is_understood(shop: Checkout) -> None:
    shop.git("config", "i18n.commitEncoding", "latin1")
    shop.commit("fix: café".encode("latin-1"))

    newest, *_ = Repository(shop.path, "shop").messages("HEAD")

    assert newest.text == "fix: café"


def test_notes_are_kept_to_the_letter(shop: Checkout) -> None:
    notes = "# Heading\n\n; comment\n#hash\n\n\n-----BEGIN\nüñí ✓\n"

    Repository(shop.path, "shop").create_tag("v9.0.0", "HEAD", notes, tagger=TAGGER)

    assert shop.tag_text("v9.0.0").partition("\n\n")[2] == notes


def test_a_starter_without_a_usable_name_can_still_tag(shop: Checkout) -> None:
    store = store_for(shop)
    run_id = start(store, by="...")
    choose(store, run_id, "patch")
    review(store, run_id)

    assert approve(store, run_id) == RunStatus.SUCCEEDED
    assert "tagger release <countersign@site>" in shop.tag_text("v1.0.1")


@pytest.mark.slow
def test_ten_thousand_commits_are_counted_and_a_hundred_listed(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "shop")
    commits = "".join(
        f"commit refs/heads/main\ncommitter A <a@example.org> {when} +0000\ndata 6\nfix: x\n"
        for when in range(1_700_000_000, 1_700_010_000)
    )
    checkout.git("fast-import", "--quiet", stdin=commits.encode())
    store = store_for(checkout)

    asked = question(store, start(store))

    assert asked["evidence"]["fixes"] == 10_000
    assert asked["body"].endswith("- … and 9,900 more\n")


def test_steps_can_be_repeated(shop: Checkout) -> None:
    place = Repository(shop.path, "shop")
    commit = place.head()

    assert place.create_tag("v9.0.0", commit, "Notes\n", tagger=TAGGER)
    assert not place.create_tag("v9.0.0", commit, "Notes\n", tagger=TAGGER)
