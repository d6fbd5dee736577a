"""Bundles: one stylesheet for pages, one for the admin, and two scripts.

Each bundle contains the files that its source imports.
"""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.contrib.staticfiles.finders import AppDirectoriesFinder
from django.core.files.storage import FileSystemStorage

from procedures.conf import conf_at_import

BUNDLES = ("dashboard/app.css", "dashboard/first.js", "dashboard/app.js", "dashboard/admin.css")
STYLE = re.compile(r'^@import url\("(?P<file>[\w./-]+)"\)(?: layer\((?P<layer>\w+)\))?;$', re.M)
SCRIPT = re.compile(r'^import "\./(?P<file>[\w./-]+)";$', re.M)


class BundlingFinder(AppDirectoriesFinder):
    """A finder for the apps' static files that replaces each import in a file by the imported file.

    The files in `BUNDLES` are built when the server starts, when `collectstatic` runs and, with
    `DEBUG`, at each request. Without this finder, pages look the same, but browsers load each
    imported file by a request of its own.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.built = FileSystemStorage(location=conf_at_import.LOCAL_DIR.absolute() / "bundles")

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, Any]]:
        for path, storage in super().list(ignore_patterns):
            if path in BUNDLES:
                self.build(path, Path(storage.path(path)))
                yield path, self.built
            else:
                yield path, storage

    def find_in_app(self, app: str, path: str) -> str | None:
        found = super().find_in_app(app, path)
        return self.build(path, Path(found)) if found and path in BUNDLES else found

    def build(self, path: str, source: Path) -> str:
        """Write the bundle if its text has changed, and return the path of the bundle."""
        place, text = Path(self.built.path(path)), bundle_of(source)
        if not place.exists() or place.read_text(encoding="utf-8") != text:
            place.parent.mkdir(parents=True, exist_ok=True)
            # Another process may serve or build the same file.
            with NamedTemporaryFile("w", dir=place.parent, delete=False, encoding="utf-8") as new:
                new.write(text)
            os.chmod(new.name, 0o644)  # noqa: PTH101 (a name, no path)
            Path(new.name).replace(place)
        return str(place)


def bundle_of(source: Path) -> str:
    """Return the text of a stylesheet or script in which each import is replaced by its file."""

    def styles(found: re.Match[str]) -> str:
        text = (source.parent / found["file"]).read_text(encoding="utf-8")
        return f"@layer {found['layer']} {{\n{text}}}" if found["layer"] else text

    def script(found: re.Match[str]) -> str:
        text = (source.parent / found["file"]).read_text(encoding="utf-8")
        # Each script gets a block, as the scope of a module; if it fails, the others still run.
        return f"try {{\n{text}}} catch (error) {{ reportError(error); }}"

    text = source.read_text(encoding="utf-8")
    return STYLE.sub(styles, text) if source.suffix == ".css" else SCRIPT.sub(script, text)
