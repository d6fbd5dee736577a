"""Commands that people type in the chat: a slash, a name, and values for a start form's fields."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import chain
from typing import NamedTuple, Self

from django.core.exceptions import ValidationError

from dashboard.forms.start import LEFT_OUT, StartField, StartForm
from procedures.engine.values.typed import FieldKind
from procedures.engine.values.visible import BLANK, HIDDEN

SLASHES = "/\N{FULLWIDTH SOLIDUS}"
"""The characters that begin a command: the slash, and the full-width slash of some keyboards."""
WORD = re.compile(
    r"""
    (?P<gap>\s*)
    (?P<typed>
        (?P<name>[^\s=\N{FULLWIDTH EQUALS SIGN}"“]+[=\N{FULLWIDTH EQUALS SIGN}])?
        (?:"(?P<quoted>[^"]*)"|“(?P<curly>[^“”]*)”)
        (?=\s|$)
        |\S+
    )
    """,
    re.VERBOSE,
)
NAMED = re.compile("([^\\s=/:?#&]+?)[=\N{FULLWIDTH EQUALS SIGN}](.*)", re.DOTALL)
"""A word such as "amount=5": the name of a field, and a value for it.

A URL whose query has an "=" doesn't match.
"""
BY_PLACE: frozenset[FieldKind] = frozenset(
    (
        *("text", "prose", "number", "date", "datetime-local", "time", "duration"),
        *("email", "url", "choice", "boolean"),
    )
)
"""The kinds of fields that can be filled by a word without a field's name."""
BY_NAME = BY_PLACE | {"list"}
PROSE: frozenset[FieldKind] = frozenset(("text", "prose"))
"""The kinds of fields to which further words of a sentence are appended."""
BOXES = {"true": "true", "yes": "true", "false": "", "no": ""}
"""The words that people can type for a checkbox, each with the text that a page would send."""
Taken = tuple[str, list[str] | None]
"""The name of a field, and the texts that a command gives it.

The texts are None if the field can't take the word. The name is "" if there is no such field.
"""
MOST_SOUGHT = 200
"""The number of words of a command that are matched with fields.

Later words can only continue a text.
"""
MOST_MEANT = 3
SHORT = 3
"""The maximum length of words that are too common to stand for a command, such as "of"."""
LIKENESS = 0.7
"""The minimum similarity of a mistyped name and the command it may mean, from 0 to 1."""


@dataclass(frozen=True)
class Command:
    """A message that begins with a slash, as its author typed it."""

    name: str
    """The first word without the slash; "" if nothing follows the slash."""
    words: str
    """Everything that follows the name."""
    before: str = ""
    """The command that precedes the name, such as "start" in "/start refund"; "" without one."""

    @classmethod
    def of(cls, typed: str, *, before: str = "") -> Self:
        """Return the command in a typed text. The caller has removed the slash."""
        name, *words = typed.split(maxsplit=1)[:2] or [""]
        return cls(name, "".join(words).strip(), before)

    @property
    def text(self) -> str:
        return f"{self.short_text} {self.words}".strip()

    @property
    def short_text(self) -> str:
        """The slash and the names of the command, without the values."""
        return f"/{self.before} {self.name}" if self.before else f"/{self.name}"


class Word(NamedTuple):
    """One word of a command. Several words in quotation marks count as one."""

    gap: str
    """The white space before the word."""
    typed: str
    plain: str
    """The word without quotation marks around the word or around its value."""
    is_quoted: bool


@dataclass
class FilledForm:
    """The values that a command has for the fields of a form."""

    texts: dict[str, list[str]] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    """The words that no field could take."""


def command_in(text: str) -> Command | None:
    """Return the command in a message, or None if the message doesn't begin with exactly one slash.

    Spaces and invisible characters before the slash are ignored. Otherwise, a character that nobody
    sees could make a command be posted as a message.
    """
    typed = _from_first_visible(text.replace("\r\n", "\n"))
    if not typed or typed[0] not in SLASHES or is_escaped(text):
        return None
    return Command.of(typed[1:])


def is_escaped(text: str) -> bool:
    """Return True if a text begins with two slashes. Such a text is a message and not a command."""
    typed = _from_first_visible(text)
    return len(typed) > 1 and typed[0] in SLASHES and typed[1] in SLASHES


def unescaped(text: str) -> str:
    """Return a message as it is posted: of two slashes before a word, only one is left.

    The first slash says that the text isn't a command.
    """
    typed = _from_first_visible(text)
    return typed[1:] if is_escaped(text) and not typed[2:3].isspace() else text


def plain_name(name: str) -> str:
    """Return a name in lower case, in which "_" joins the words, so that names can be compared."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return re.sub(r"[\W_]+", "_", folded).strip("_")


def likely_commands(name: str, known: Mapping[str, str]) -> list[str]:
    """Return the commands in `known` that a mistyped name may mean, the likeliest first.

    `known` maps the names of commands to their titles. The mistyped name is compared with each
    name, and with each longer word of a name or title.
    """
    wanted = plain_name(name)
    called = defaultdict[str, list[str]](list)
    for own, title in known.items():
        for word in dict.fromkeys([plain_name(own), *_parts(own), *_parts(title)]):
            called[word].append(own)
    begun = [one for one in called if wanted and one.startswith(wanted)]
    close = get_close_matches(wanted, called, n=MOST_MEANT, cutoff=LIKENESS)
    found = chain.from_iterable(called[one] for one in [*begun, *close])
    return list(dict.fromkeys(found))[:MOST_MEANT]


def _parts(name: str) -> list[str]:
    """Return the words of a name or title that are long enough to be compared by themselves."""
    return [word for word in plain_name(name).split("_") if len(word) > SHORT]


def fill(form: StartForm, text: str) -> FilledForm:
    """Return the fields of a start form that take the words of a command, each with its texts.

    A word such as "amount=5" goes only to the field with this name or label. Any other word goes to
    the first free field that accepts it by its type. If no free field accepts a word, the word is
    appended to the text of the field that took the previous word, if that is a text field. Words in
    quotation marks count as one word, and are never read as a name with a value.
    """
    filled, last = FilledForm(), ""
    for place, word in enumerate(_words(text)):
        is_named = not word.is_quoted and bool(NAMED.fullmatch(word.plain))
        name, texts = "", None
        if place < MOST_SOUGHT:
            name, texts = (
                _named(form, word.plain) if is_named else _placed(form, filled, word.plain)
            )
        if name and texts is not None and name not in filled.texts:
            filled.texts[name], last = texts, name
        elif last and not is_named and form.fields[last].kind in PROSE:
            # Appended as typed, because line breaks and quotation marks matter in a text.
            gap = word.gap if form.fields[last].kind == "prose" else " "
            filled.texts[last] = [f"{filled.texts[last][0]}{gap}{word.typed}"]
        else:
            filled.left.append(word.typed)
            last = ""
    return filled


def show(form: StartForm, filled: FilledForm) -> None:
    """Show the values of a command in a new form, as if they were the fields' defaults."""
    for name, texts in filled.texts.items():
        form.fields[name].initial = texts


def still_has_values(form: StartForm, filled: FilledForm) -> bool:
    """Return True if the form was sent with all of the command's values unchanged.

    Return False if the command has a word that fits no field.
    """
    return not filled.left and all(
        _as_sent(form[name].value()) == _as_sent(texts) for name, texts in filled.texts.items()
    )


def _as_sent(texts: Sequence[str]) -> list[str]:
    r"""Return the texts of a field that aren't empty, with "\n" as their line breaks."""
    return [text.replace("\r\n", "\n") for text in texts if text]


def _from_first_visible(text: str) -> str:
    for at, one in enumerate(text):
        if not (one.isspace() or _is_invisible(one)):
            return text[at:].strip()
    return ""


def _is_invisible(one: str) -> bool:
    """Return True for a character that shows nothing, and for a combining mark.

    A combining mark, such as an accent, shows nothing without a letter before it.
    """
    return one in BLANK or unicodedata.category(one) in HIDDEN | {"Mn"}


def _words(text: str) -> Iterator[Word]:
    for found in WORD.finditer(text):
        name = found["name"]
        inner = found["quoted"] if found["quoted"] is not None else found["curly"]
        is_quoted = name is None and inner is not None
        plain = found["typed"] if inner is None else f"{name or ''}{inner}"
        yield Word(found["gap"], found["typed"], plain, is_quoted)


def _named(form: StartForm, word: str) -> Taken:
    """Return the field that a word such as "amount=5" names, and the texts for this field."""
    found = NAMED.fullmatch(word)
    wanted = plain_name(found[1]) if found else ""
    for name, one in form.fields.items():
        is_named = wanted in {plain_name(name), plain_name(str(one.label))}
        if found and is_named and one.kind in BY_NAME:
            return name, _texts_for(form, name, found[2])
    return "", None


def _placed(form: StartForm, filled: FilledForm, word: str) -> Taken:
    """Return the first free field that accepts a word, and the texts for this field."""
    for name, one in form.fields.items():
        is_free = isinstance(one, StartField) and name not in filled.texts and one.kind in BY_PLACE
        if is_free and (texts := _texts_for(form, name, word)) is not None:
            return name, texts
    return "", None


def _texts_for(form: StartForm, name: str, word: str) -> list[str] | None:
    """Return the texts that a page would send if somebody entered the word in the field.

    Return None if the field can't take the word.
    """
    one = form.fields[name]
    match one.kind:
        case "boolean":
            text = BOXES.get(word.casefold())
            return None if text is None else [text]
        case "choice":
            alike = (key for key, label in one.widget.options if _is_like(word, key, label))
            return [found] if (found := next(alike, None)) is not None else None
        case "list":
            return ["\n".join(part.strip() for part in word.split(","))]
    return [word] if _fits(form, name, word) else None


def _is_like(word: str, *names: str) -> bool:
    return word.casefold() in {name.casefold() for name in names}


def _fits(form: StartForm, name: str, word: str) -> bool:
    try:
        value = form.fields[name].clean([word])
    except ValidationError:
        return False
    if not isinstance(form.fields[name], StartField):  # inside a group
        return True
    return value is not LEFT_OUT and form.definition.fits(name, value)
