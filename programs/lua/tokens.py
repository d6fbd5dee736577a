"""The names that Lua code uses, with line numbers. They are found without running the code."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

TOKEN = re.compile(
    r"""
    (?P<comment>--\[(?P<c>=*)\[.*?\](?P=c)\]|--[^\n]*)
    |(?P<long>\[(?P<l>=*)\[.*?\](?P=l)\])
    |(?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
    |(?P<name>[A-Za-z_]\w*)
    |(?P<number>0[xX][\da-fA-F.]+(?:[pP][+-]?\d+)?|\.?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)
    |(?P<mark>\.\.\.|\.\.|::|==|~=|<=|>=|//|<<|>>|\S)
    """,
    re.VERBOSE | re.DOTALL,
)
WORDS = {
    *("and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if"),
    *("in", "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while"),
}
USES = {"(", "{", ".", ":", "["}
"""Marks after a name, by which code calls the value of the name or reads a field of the value."""
OF_LIST = {"<", ">", ","}
"""Marks that can stand between the names after `local` and `for`."""
OF_FUNCTION = {*OF_LIST, ".", ":", "...", "("}
"""Marks that can stand between the names in the head of a function: its name and its parameters."""


@dataclass(frozen=True)
class Token:
    """A token of Lua code: a name, a string, a number or a mark, such as a brace or an operator."""

    kind: str
    text: str
    line: int


@dataclass(frozen=True)
class Use:
    """A use of a global name in code.

    `field` is the field that the code reads from the value of the name, or "".
    """

    name: str
    field: str
    line: int
    argument: str = ""
    """The string literal that is the first argument of a call of the name, or ""."""
    is_called: bool = False


def tokens_of(code: str, first: int = 1) -> list[Token]:
    """Return the tokens of Lua code without comments; `first` is the first line's number."""
    found, line, place = [], first, 0
    for match in TOKEN.finditer(code):
        line += code.count("\n", place, match.start())
        place = match.start()
        kind = next(
            kind for kind in ("comment", "long", "text", "name", "number", "mark") if match[kind]
        )
        if kind != "comment":
            shown = "text" if kind == "long" else kind
            found.append(Token(shown, match[0], line))
    return found


def uses_in(tokens: Sequence[Token]) -> Iterator[Use]:
    """Yield the uses of names in code; names that the code itself defines are left out."""
    own = set(_defined(tokens))
    for place, token in enumerate(tokens):
        if token.kind != "name" or token.text in WORDS or token.text in own:
            continue
        if place and tokens[place - 1].text in {".", ":", "goto", "::"}:
            continue
        after = tokens[place + 1] if place + 1 < len(tokens) else None
        if after is None or (after.text not in USES and after.kind != "text"):
            continue
        yield _use_at(tokens, place)


def _use_at(tokens: Sequence[Token], place: int) -> Use:
    rest = [*tokens[place + 1 : place + 5], *[Token("mark", "", 0)] * 4]
    field = ""
    if rest[0].text in {".", ":"} and rest[1].kind == "name":
        field, rest = rest[1].text, rest[2:]
    is_called = rest[0].text in {"(", "{"} or rest[0].kind == "text"
    first = rest[1] if rest[0].text == "(" else rest[0]
    argument = _inside(first.text) if first.kind == "text" else ""
    return Use(tokens[place].text, field, tokens[place].line, argument, is_called)


def _defined(tokens: Sequence[Token]) -> Iterator[str]:
    """Yield the names that code assigns to, declares as local, or has as names of parameters."""
    for place, token in enumerate(tokens):
        before = tokens[place - 1].text if place else ""
        after = tokens[place + 1].text if place + 1 < len(tokens) else ""
        if token.kind != "name" or token.text in WORDS:
            if token.text in {"local", "for", "function"}:
                yield from _listed(tokens, place)
            continue
        if after == "=" and before not in {".", ":", "{", ","}:
            yield token.text


def _listed(tokens: Sequence[Token], place: int) -> Iterator[str]:
    """Yield the names that the `local`, `for` or `function` at this index introduces.

    After `function`, these are the function's name and its parameters.
    """
    is_function = tokens[place].text == "function"
    if not is_function and place + 1 < len(tokens) and tokens[place + 1].text == "function":
        return  # `local function`: the next token is read as a function
    marks = OF_FUNCTION if is_function else OF_LIST
    for token in tokens[place + 1 :]:
        if token.kind == "name" and token.text not in WORDS:
            yield token.text
        elif token.text not in marks:
            return


def _inside(text: str) -> str:
    """Return the content of a string literal, without its quotes.

    Escape sequences stay as written.
    """
    return text[1:-1] if text[:1] in {'"', "'"} else text.strip("[]=")
