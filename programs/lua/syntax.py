"""The check that code is valid Lua, with messages that people can read."""

import re
from typing import Any

from lupa import lua54  # type: ignore[import-untyped]  # it has no types

from procedures.engine import ProcedureFileError
from programs.lua.tokens import tokens_of

PLACED = re.compile(r"code:(\d+): (.*)", re.DOTALL)
BYTE = re.compile(r"'<\\\d+>'")
"""A pattern for a byte that a message of Lua names, because Lua reads texts byte by byte."""


def check_syntax(runtime: Any, code: str, first: int) -> None:
    """Raise `ProcedureFileError`, with the line, if the code isn't valid Lua.

    `first` is the line number of the code's first line.
    """
    try:
        # Blank lines before the code make the line numbers in all messages right.
        runtime.compile("\n" * (first - 1) + code, name=b"=code")
    except lua54.LuaSyntaxError as error:
        raise _fault_of(str(error), code, first) from None


def _fault_of(message: str, code: str, first: int) -> ProcedureFileError:
    placed = PLACED.fullmatch(message)
    if placed is None:
        is_deep = "overflow" in message
        words = "The code is nested too deeply." if is_deep else "The code isn't valid Lua."
        return ProcedureFileError(words, line=first)
    line, words = int(placed[1]), placed[2].strip()
    if BYTE.search(words) and (odd := _odd_character(code, first, line)):
        words = f"{BYTE.sub(lambda _: odd, words)}, which can stand only in strings and comments"
    return ProcedureFileError(f"{words}.", line=line)


def _odd_character(code: str, first: int, line: int) -> str:
    """Return the first character on a line that Lua doesn't know outside of strings, or ""."""
    texts = [one.text for one in tokens_of(code, first) if one.line == line]
    plain = "".join(text for text in texts if text[:1] not in {'"', "'", "["})
    whole = code.splitlines()[line - first] if line - first < code.count("\n") + 1 else ""
    # Spaces of other scripts are no tokens, so they are found in the line itself.
    spaces = "".join(one for one in whole if one.isspace() and one != "\t")
    odd = next((one for one in plain + spaces if not " " <= one <= "~"), "")
    if not odd:
        return ""
    return f"{odd!r} (U+{ord(odd):04X})" if odd.isprintable() else f"U+{ord(odd):04X}"
