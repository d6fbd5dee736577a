"""A small git repository in the local folder, from which the demo makes releases."""

import logging
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from procedures.models.clock import clock

logger = logging.getLogger(__name__)
AUTHOR = {"NAME": "Ana Blum", "EMAIL": "ana@parcels.example"}

README = """# Parcels

What it costs to send a parcel. Zones: city, country, abroad.
"""
CODE = '''"""What it costs to send a parcel."""

from decimal import ROUND_HALF_UP, Decimal

PER_KILO = {"city": Decimal("1.10"), "country": Decimal("2.45"), "abroad": Decimal("7.90")}
EXPRESS = Decimal("4.50")
CENT = Decimal("0.01")


def price(kilos: Decimal, zone: str, *, is_express: bool = False) -> Decimal:
    extra = EXPRESS if is_express else Decimal(0)
    return (kilos * PER_KILO[zone] + extra).quantize(CENT, ROUND_HALF_UP)


def label(name: str, street: str, town: str) -> str:
    return "\\n".join([name.strip(), street.strip(), town.strip().upper()])
'''
TESTS = '''"""Tests that take their time, so that there is something to watch."""

import time
import unittest
from decimal import Decimal

from parcels import label, price


class Parcels(unittest.TestCase):
    def setUp(self):
        time.sleep(0.4)

    def test_a_parcel_in_the_city(self):
        self.assertEqual(price(Decimal("2"), "city"), Decimal("2.20"))

    def test_a_parcel_in_the_country(self):
        self.assertEqual(price(Decimal("2"), "country"), Decimal("4.90"))

    def test_a_parcel_that_goes_abroad(self):
        self.assertEqual(price(Decimal("1.5"), "abroad"), Decimal("11.85"))

    def test_an_express_parcel_costs_more(self):
        self.assertEqual(price(Decimal("2"), "city", is_express=True), Decimal("6.70"))

    def test_half_a_cent_is_rounded_up(self):
        self.assertEqual(price(Decimal("0.05"), "city"), Decimal("0.06"))

    def test_a_label_shouts_the_town(self):
        self.assertEqual(label("Jörg", "Am Bühl 7", "Köln"), "Jörg\\nAm Bühl 7\\nKÖLN")

    def test_an_unknown_zone_has_no_price(self):
        with self.assertRaises(KeyError):
            price(Decimal("1"), "moon")
'''


@dataclass(frozen=True)
class Commit:
    """One commit of the demo's repository."""

    message: str
    days_ago: int
    files: dict[str, str] = field(default_factory=dict)
    tag: str = ""


COMMITS = (
    Commit(
        "feat: prices by weight and zone", 40, {"parcels.py": CODE[: CODE.index("\n\ndef label")]}
    ),
    Commit("fix: charge the whole kilo", 33, {".gitignore": "__pycache__/\n"}, tag="v1.2.0"),
    Commit("docs: say which zones there are", 12, {"README.md": README}),
    Commit("feat(labels): print the address in three lines", 9, {"parcels.py": CODE}),
    Commit("fix(labels): leave umlauts as they are", 6),
    Commit("test: prices, zones and labels", 3, {"test_parcels.py": TESTS}),
    Commit("fix: round half a cent up", 1),
)


def create_demo_repository(path: Path) -> bool:
    """Create the repository unless it exists; return False if that fails."""
    if path.exists():
        return True
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with TemporaryDirectory(dir=path.parent, prefix="demo-") as made:
            draft = Path(made, path.name)
            write_past(draft, COMMITS)
            draft.rename(path)  # whole, or not at all
    except FileNotFoundError:
        logger.warning("git isn't installed: the demo has no repository to release.")
        return False
    except subprocess.CalledProcessError as error:
        logger.warning("The demo has no repository to release: %s", error.stderr.decode().strip())
        return False
    return True


def write_past(folder: Path, commits: Sequence[Commit]) -> None:
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main", "--template=")
    for commit in commits:
        at = clock.now() - timedelta(days=commit.days_ago)
        for name, content in commit.files.items():
            (folder / name).write_text(content)
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--allow-empty", f"--message={commit.message}", at=at)
        if commit.tag:
            git(folder, "tag", f"--message=Parcels {commit.tag}", commit.tag, at=at)


def git(folder: Path, *arguments: str, at: object = None) -> None:
    """Run git with a fixed author and date, ignoring the configuration of user and machine."""
    roles = ("AUTHOR", "COMMITTER")
    identity = {f"GIT_{role}_{what}": value for role in roles for what, value in AUTHOR.items()}
    dates = {f"GIT_{role}_DATE": str(at) for role in roles} if at else {}
    subprocess.run(  # noqa: S603 (every word is ours)
        ["git", *arguments],  # noqa: S607 (the machine's git)
        cwd=folder,
        env={
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CEILING_DIRECTORIES": str(folder.parent),
            **identity,
            **dates,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
