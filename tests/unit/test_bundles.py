"""One stylesheet and few scripts, built from the files they import."""

import json
import re
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.core.files.storage import FileSystemStorage
from django.core.management import call_command
from django.test import override_settings

from dashboard.environment.variables import CHECKOUT
from dashboard.http.bundles import BUNDLES, SCRIPT, STYLE, BundlingFinder

STATIC = CHECKOUT / "dashboard" / "static"
FILES = {*STATIC.rglob("*.css"), *STATIC.rglob("*.js")}
MANIFEST: dict[str, Any] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "dashboard.http.static_files.ManifestStorage"},
}


@pytest.fixture
def finder(tmp_path: Path) -> BundlingFinder:
    """A finder of a copy of our static files, which a test can edit."""
    found = BundlingFinder()
    copytree(STATIC, tmp_path / "static")
    found.storages = {"dashboard": FileSystemStorage(tmp_path / "static")}
    found.built = FileSystemStorage(tmp_path / "built")
    return found


def sources_of(entry: Path) -> list[Path]:
    imported = STYLE if entry.suffix == ".css" else SCRIPT
    return [entry.parent / found["file"] for found in imported.finditer(entry.read_text())]


def test_every_source_is_part_of_a_bundle() -> None:
    entries = {STATIC / bundle for bundle in BUNDLES}
    bundled = {source for entry in entries for source in sources_of(entry)}

    assert {file.name for file in FILES - bundled - entries} == {
        "admin-labels.js",
        "admin-sidebar.js",
        "passkey-form.js",
        "service-worker.js",
    }


@pytest.mark.parametrize("name", BUNDLES)
def test_a_bundle_holds_its_sources_and_imports_nothing(name: str) -> None:
    found = finders.find(name)
    assert isinstance(found, str)
    text = Path(found).read_text()

    assert not re.search(r"^\s*(@import|import) ", text, re.MULTILINE)
    for source in sources_of(STATIC / name):
        assert source.read_text() in text


def test_a_layer_keeps_its_name_and_its_place(finder: BundlingFinder) -> None:
    text = Path(str(finder.find("dashboard/app.css"))).read_text()

    layers = re.findall(r"^@layer (\w+) \{", text, re.MULTILINE)

    assert "@layer reset, tokens, base, layout, components, utilities;" in text
    assert [layers[0], layers[-1]] == ["reset", "utilities"]
    assert text.count("{") == text.count("}")


def test_an_edited_source_is_in_the_next_bundle(finder: BundlingFinder, tmp_path: Path) -> None:
    first = Path(str(finder.find("dashboard/app.css"))).read_text()
    source = tmp_path / "static" / "dashboard" / "components" / "card.css"

    source.write_text(".edited { color: red }")
    second = Path(str(finder.find("dashboard/app.css"))).read_text()

    assert ".edited" not in first
    assert ".edited" in second


def test_what_has_not_changed_is_not_written_again(finder: BundlingFinder) -> None:
    place = Path(str(finder.find("dashboard/app.js")))
    before = place.stat().st_ino

    listed = dict(finder.list(None))

    assert place.stat().st_ino == before
    assert listed["dashboard/app.js"].path("dashboard/app.js") == str(place)
    assert [one.name for one in place.parent.iterdir() if one.suffix not in {".js", ".css"}] == []


def test_collected_bundles_have_hashed_names(tmp_path: Path) -> None:
    with override_settings(STORAGES=MANIFEST, STATIC_ROOT=tmp_path, STATIC_URL="/static/"):
        call_command("collectstatic", verbosity=0, interactive=False)

    hashed = json.loads((tmp_path / "staticfiles.json").read_text())["paths"]
    for name in BUNDLES:
        text = (tmp_path / hashed[name]).read_text()
        assert hashed[name] != name
        assert not re.search(r"^\s*(@import|import) ", text, re.MULTILINE)
    assert ".run-row" in (tmp_path / hashed["dashboard/app.css"]).read_text()
