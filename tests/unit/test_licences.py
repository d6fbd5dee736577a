"""The licences of what is installed: all known, none that the product must not use."""

from email.message import Message

import pytest

from tests.licences import installed, is_allowed, licence_of, report


def told(**fields: str) -> Message:
    found = Message()
    for name, value in {"Version": "1.0", **fields}.items():
        found[name.replace("_", "-")] = value
    return found


def test_what_runs_the_product_has_licences_that_are_allowed() -> None:
    packages = installed()
    code, words = report(packages)

    assert code == 0, words
    assert {"django", "celery", "psycopg"} <= set(packages)
    assert "django 5" in words


@pytest.mark.parametrize(
    ("package", "licence"),
    [
        (told(License_Expression="MIT"), "MIT"),
        (told(License="BSD\nCopyright"), "BSD"),
        (told(License="x", Classifier="License :: OSI Approved :: MIT License"), "MIT"),
        (told(Classifier="License :: OSI Approved"), ""),
        (told(), ""),
    ],
)
def test_a_licence_is_read_from_the_metadata(package: Message, licence: str) -> None:
    assert licence_of(package) == licence


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT OR GPL-3.0-only", True),
        ("(BSD-3-Clause AND TCL)", True),
        ("MIT AND GPL-3.0-only", False),
        ("AGPL-3.0-or-later", False),
        ("Proprietary", False),
        ("", False),
    ],
)
def test_one_that_is_unknown_or_forbidden_is_named(expression: str, *, allowed: bool) -> None:
    code, words = report({"strange": told(License_Expression=expression)})

    assert is_allowed(expression) is allowed
    assert (code, "Not allowed or unknown: strange." in words) == (int(not allowed), not allowed)
