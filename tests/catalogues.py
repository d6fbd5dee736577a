"""Catalogues of an invented language, in which every sentence of the product is marked."""

import ast
import re
import struct
from collections.abc import Iterator
from pathlib import Path

from django.utils.translation.template import templatize

from dashboard.environment.variables import CHECKOUT

SINGLE = {"_", "gettext", "lazy", "gettext_lazy", "_n"}
HEADER = "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=(n != 1);\n"
CALLS = re.compile(
    r"\bn?gettext\(\s*(u?'(?:[^'\\]|\\.)*'|u?\"(?:[^\"\\]|\\.)*\")"
    r"(?:\s*,\s*(u?'(?:[^'\\]|\\.)*'|u?\"(?:[^\"\\]|\\.)*\"))?"
)
Message = tuple[str, ...]
"""A sentence, or its singular and its plural."""


def messages() -> set[Message]:
    """Every sentence that the product translates, as `makemessages` would find it."""
    python = {one for file in (CHECKOUT / "dashboard").rglob("*.py") for one in _in_python(file)}
    drawn = {one for file in (CHECKOUT / "templates").rglob("*.html") for one in _in_template(file)}
    return python | drawn


def write_catalogue(folder: Path, language: str, mark: str) -> None:
    """Write a catalogue that puts the mark before every sentence."""
    found = {one[0]: one for one in sorted(messages())}
    found |= {one[0]: one for one in sorted(messages()) if len(one) > 1}
    pairs = [("", HEADER)]
    pairs += [("\0".join(one), "\0".join(mark + text for text in one)) for one in found.values()]
    place = folder / language / "LC_MESSAGES"
    place.mkdir(parents=True)
    (place / "django.mo").write_bytes(_compiled(pairs))


def _in_python(file: Path) -> Iterator[Message]:
    for node in ast.walk(ast.parse(file.read_text())):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        texts = [one.value for one in node.args if isinstance(one, ast.Constant)]
        plain = [one for one in texts if isinstance(one, str)]
        if node.func.id in SINGLE and plain:
            yield (plain[0],)
        elif node.func.id == "ngettext" and len(plain) > 1:
            yield plain[0], plain[1]


def _in_template(file: Path) -> Iterator[Message]:
    for call in CALLS.finditer(templatize(file.read_text())):
        yield tuple(ast.literal_eval(text) for text in call.groups() if text)


def _compiled(pairs: list[tuple[str, str]]) -> bytes:
    """The pairs as GNU gettext keeps them: two tables of places, then the texts."""
    encoded = sorted((one.encode(), other.encode()) for one, other in pairs)
    count, start = len(encoded), 28
    texts, tables = b"", ([], [])  # type: tuple[bytes, tuple[list[int], list[int]]]
    for side in (0, 1):
        for pair in encoded:
            tables[side].extend((len(pair[side]), start + 16 * count + len(texts)))
            texts += pair[side] + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, count, start, start + 8 * count, 0, 0)
    return head + struct.pack(f"<{4 * count}I", *tables[0], *tables[1]) + texts
