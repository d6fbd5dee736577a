"""`make licences`: what is installed to run the product, each package with its licence."""

import re
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

REQUIREMENTS = Path(__file__).parent.parent / "requirements.txt"
ALLOWED = {
    *("apache-2.0", "bsd", "bsd-2-clause", "bsd-3-clause", "isc", "mit", "mit-0", "mpl-2.0"),
    *("psf-2.0", "tcl", "unlicense", "zlib", "zpl-2.1"),
    *("lgpl-2.1-only", "lgpl-2.1-or-later", "lgpl-3.0-only", "lgpl-3.0-or-later"),
}
"""SPDX names. The lesser GPL asks nothing of a program that imports a package as it is."""
WORDS = {
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd license": "BSD",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mit style": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "new bsd": "BSD-3-Clause",
    "python software foundation license": "PSF-2.0",
}
"""Names of licences in older packages, and their SPDX names."""


def licence_of(told: Any) -> str:
    """Return the licence that a package's metadata tell, as an SPDX expression where it can be."""
    if expression := told.get("License-Expression"):
        return str(expression)
    classes = [one.split(" :: ") for one in told.get_all("Classifier") or ()]
    named = [one[-1] for one in classes if one[0] == "License" and one[-1] != "OSI Approved"]
    first = str(told.get("License") or "").strip().partition("\n")[0]
    return " OR ".join(WORDS.get(one.lower(), one) for one in named or [first])


def is_allowed(expression: str) -> bool:
    """Return True if one side of each choice is allowed; a licence that isn't understood isn't."""
    words = expression.replace("(", " ").replace(")", " ")
    choices = re.split(r"\s+OR\s+", words)
    return any(
        all(part.strip().lower() in ALLOWED for part in re.split(r"\s+AND\s+", choice))
        for choice in choices
    )


def installed() -> dict[str, Any]:
    """Return the metadata of what requirements.txt pins and this machine needs, by name."""
    names = re.findall(r"^([A-Za-z0-9._-]+)(?:\[.*?\])?==", REQUIREMENTS.read_text(), re.MULTILINE)
    return dict(_found(sorted(set(names))))


def _found(names: list[str]) -> Iterator[tuple[str, Any]]:
    for name in names:
        try:
            yield name, metadata(name)
        except PackageNotFoundError:  # for other systems or older versions of Python
            continue


def report(packages: Mapping[str, Any]) -> tuple[int, str]:
    """Return the exit code and a line for each package."""
    lines, refused = [], []
    for name, told in packages.items():
        licence = licence_of(told)
        lines.append(f"{name} {told['Version']}: {licence or 'unknown'}")
        refused += [] if is_allowed(licence) else [name]
    verdict = f"Not allowed or unknown: {', '.join(refused)}." if refused else "All are allowed."
    return int(bool(refused)), "\n".join([*lines, verdict])


if __name__ == "__main__":
    code, words = report(installed())
    sys.stdout.write(f"{words}\n")
    sys.exit(code)
