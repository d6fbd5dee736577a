"""The options of questions, checked where they are asked."""

from collections.abc import Iterable, Sequence, Set
from typing import Any, Literal, cast
from unicodedata import normalize

from procedures.engine.errors import QuestionError
from procedures.engine.values import canonical
from procedures.engine.values.durations import Duration, parse_duration
from procedures.engine.values.secret_values import shows_secret
from procedures.engine.values.visible import visible_line

OnTimeout = Literal["default", "fail", "withdraw"]
NOTHING: Any = object()


def checked_text(of: str, value: object) -> str:
    if not isinstance(value, str):
        raise QuestionError(f"{of} is a text, not {value!r:.100}.")
    return value


def checked_flag(of: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise QuestionError(f"{of} is True or False, not {value!r:.100}.")
    return value


def checked_label(prompt: str, label: object) -> str:
    if not isinstance(label, str) or not label.strip():
        raise QuestionError(f"{prompt!r}: a label is a text, not {label!r:.100}.")
    return visible_line(label.strip())


def check_told_apart(prompt: str, labels: Iterable[object]) -> None:
    """`QuestionError` for two buttons or options that nobody could tell from each other."""
    seen: set[str] = set()
    for label in labels:
        plain = " ".join(normalize("NFC", str(label)).casefold().split())
        if plain in seen:
            raise QuestionError(
                f"{prompt!r}: two of its labels are {label!r:.100}. "
                "Add what tells them from each other."
            )
        seen.add(plain)


def check_no_secret(of: str, value: object, text: str) -> None:
    """`QuestionError` for a secret: what is kept and comes back is only its mask."""
    if shows_secret(value, text):
        raise QuestionError(f"{of} holds a secret, and is kept and shown.")


def plain_default(default: object) -> Any:
    plain = canonical.jsonable(default)
    check_no_secret("default=", default, canonical.text_of(plain))
    return plain


def checked_names(names: object, of: str = "assign=") -> tuple[str, ...]:
    """One name or several."""
    if names == ():
        return ()
    given = (names,) if isinstance(names, str) else names
    if not isinstance(given, Sequence | Set):
        raise QuestionError(f"{of} takes a text or a list of texts, not {names!r:.100}.")
    for name in given:
        if not isinstance(name, str) or not name.strip():
            raise QuestionError(f"{of} takes texts that are not empty, not {name!r:.100}.")
    return tuple(given) if isinstance(given, Sequence) else tuple(sorted(given))


def checked_metadata(metadata: object) -> dict[str, Any] | None:
    plain = canonical.jsonable(metadata)
    if plain is not None and not isinstance(plain, dict):
        raise ValueError(f"metadata= takes values by name, not {metadata!r:.100}.")
    return plain


def one_line(prompt: object) -> str:
    """The prompt as one plain line: what would hide or turn text is made visible."""
    if not isinstance(prompt, str) or not prompt.strip():
        raise QuestionError(
            f"A question needs a prompt: a text that is not empty, not {prompt!r:.100}."
        )
    return visible_line(prompt.strip())


def seconds_of(expires: Duration | None) -> float | None:
    try:
        return None if expires is None else parse_duration(expires).total_seconds()
    except ValueError as error:
        raise QuestionError(str(error)) from None


def checked_silence(
    prompt: str, expires: float | None, default: Any, on_timeout: str | None
) -> OnTimeout | None:
    if on_timeout not in (None, "fail", "withdraw"):
        raise QuestionError(f'{prompt!r}: on_timeout is "fail" or "withdraw", not {on_timeout!r}.')
    if default is not NOTHING and on_timeout:
        raise QuestionError(f"{prompt!r} says both default= and on_timeout=: one is enough.")
    chosen: Any = "default" if default is not NOTHING else on_timeout
    if (expires is None) != (chosen is None):
        missing = "expires=" if expires is None else "default= or on_timeout="
        raise QuestionError(
            f"{prompt!r} needs {missing} too: what happens after silence, and when?"
        )
    return cast("OnTimeout | None", chosen)
