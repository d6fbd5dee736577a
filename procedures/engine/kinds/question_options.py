"""Checks of the options of a question, made when the question is asked."""

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, Literal, cast
from unicodedata import normalize

from procedures.engine.errors import OptionError, QuestionError
from procedures.engine.values import canonical
from procedures.engine.values.durations import Duration, parse_duration
from procedures.engine.values.secret_values import shows_secret
from procedures.engine.values.spelling import short_repr
from procedures.engine.values.visible import visible_line

OnTimeout = Literal["default", "fail", "withdraw"]
OPTIONS = {"schema": "options, model or decisions=", "labels": "options or decisions="}
"""The options that set a field of a question, as error messages name them, by field."""
LABELS = {"true": "yes=", "false": "no="}
NOTHING: Any = object()
OPERATORS = ("role:operate",)
"""The names in `assign` that stand for those people who may operate the run's procedure."""


def checked_text(of: str, value: object) -> str:
    if not isinstance(value, str):
        raise QuestionError(f"{of} must be a string, not {short_repr(value)}.")
    return value


def checked_json(prompt: object, of: str, value: object) -> Any:
    """Return the plain JSON of an option's value; raises `QuestionError` if the value has no JSON.

    `of` is the name of the option in the message of the error.
    """
    try:
        return canonical.jsonable(value)
    except ValueError as error:
        raise QuestionError(f"{short_repr(prompt)}: {_ended(error)} ({of}).") from None


def kept_text(prompt: object, of: str, plain: object) -> str:
    """Return the canonical JSON text of an option's value, which is plain JSON.

    `of` names the option in the message of the `QuestionError` that is raised if the value can't be
    stored.
    """
    try:
        return canonical.text_of(plain)
    except ValueError as error:
        raise QuestionError(f"{short_repr(prompt)}: {_ended(error)} ({of}).") from None


def check_kept(prompt: object, parts: Mapping[str, Any]) -> None:
    """Raise `QuestionError` for the first field of a question that can't be stored."""
    for name, value in parts.items():
        kept_text(prompt, OPTIONS.get(name, f"{name}="), value)


def _ended(error: ValueError) -> str:
    return str(error).rstrip(".")


def checked_flag(of: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise QuestionError(f"{of} must be True or False, not {short_repr(value)}.")
    return value


def checked_label(prompt: str, value: str, label: object) -> str:
    if not isinstance(label, str) or not label.strip():
        of = f"the label of {short_repr(value)} in {OPTIONS['labels']}"
        words = f"a label must be a string that isn't empty, not {short_repr(label)}"
        raise QuestionError(f"{short_repr(prompt)}: {words} ({LABELS.get(value, of)}).")
    return visible_line(label.strip())


def checked_descriptions(
    prompt: str, descriptions: object, labels: Mapping[str, str]
) -> dict[str, str]:
    """Return the description of each option as one line, by the value of the option.

    Raises `QuestionError` if a description isn't a string, is empty, or belongs to no option.
    """
    if not isinstance(descriptions, Mapping):
        words = f"descriptions= must map options to strings, not {short_repr(descriptions)}"
        raise QuestionError(f"{short_repr(prompt)}: {words}.")
    for value, text in descriptions.items():
        if value not in labels:
            words = f"descriptions= has {short_repr(value)}, which isn't one of the options"
            raise QuestionError(f"{short_repr(prompt)}: {words}.")
        if not isinstance(text, str) or not text.strip():
            words = f"must be a string that isn't empty, not {short_repr(text)}"
            raise QuestionError(
                f"{short_repr(prompt)}: the description of {short_repr(value)} in descriptions= "
                f"{words}."
            )
    return {value: visible_line(text.strip()) for value, text in descriptions.items()}


def check_told_apart(prompt: str, labels: Iterable[object]) -> None:
    """Raise `QuestionError` if two labels look the same to people, such as "Yes" and "yes "."""
    seen: set[str] = set()
    for label in labels:
        plain = " ".join(normalize("NFC", str(label)).casefold().split())
        if plain in seen:
            raise QuestionError(
                f"{prompt!r} has two labels that look alike: {short_repr(label)}. "
                "Make them different."
            )
        seen.add(plain)


def check_no_secret(of: str, value: object, text: str) -> None:
    """Raise `QuestionError` if an option's value contains a secret; `of` names the option.

    `text` is the canonical JSON text of the value.
    """
    if shows_secret(value, text):
        raise QuestionError(f"{of} contains a secret, which would be stored and shown.")


def plain_default(prompt: str, default: object) -> Any:
    plain = checked_json(prompt, "default=", default)
    check_no_secret("default=", default, kept_text(prompt, "default=", plain))
    return plain


def checked_names(names: object, of: str = "assign=") -> tuple[str, ...]:
    """Return names as a tuple; `names` is a single name or a list of names.

    `of` names the option in the message of the `QuestionError` that is raised for any other value.
    """
    if names == ():
        return ()
    given = (names,) if isinstance(names, str) else names
    if not isinstance(given, Sequence | Set):
        raise QuestionError(f"{of} must be a string or a list of strings, not {short_repr(names)}.")
    for name in given:
        if not isinstance(name, str) or not name.strip():
            raise QuestionError(
                f"{of} can only contain strings that aren't empty, not {short_repr(name)}."
            )
    return tuple(given) if isinstance(given, Sequence) else tuple(sorted(given))


def checked_metadata(prompt: str, metadata: object) -> dict[str, Any] | None:
    plain = checked_json(prompt, "metadata=", metadata)
    if plain is not None and not isinstance(plain, dict):
        words = f"metadata= must be a mapping, not {short_repr(metadata)}."
        raise QuestionError(f"{short_repr(prompt)}: {words}")
    return plain


def one_line(prompt: object) -> str:
    """Return the prompt on one line, in which `visible_line` has made all characters visible.

    Raises `QuestionError` if the prompt is empty or not a string.
    """
    if not isinstance(prompt, str) or not prompt.strip():
        raise QuestionError(
            f"The prompt of a question must be a string that isn't empty, not {short_repr(prompt)}."
        )
    return visible_line(prompt.strip())


def seconds_of(expires: Duration | None) -> float | None:
    try:
        length = None if expires is None else parse_duration(expires, of="expires=")
        return length.total_seconds() if length else None
    except OptionError as error:
        raise QuestionError(str(error)) from None


def checked_silence(
    prompt: str, expires: float | None, default: Any, on_timeout: str | None
) -> OnTimeout | None:
    if on_timeout not in (None, "fail", "withdraw"):
        words = f'on_timeout= must be "fail" or "withdraw", not {short_repr(on_timeout)}'
        raise QuestionError(f"{prompt!r}: {words}.")
    if default is not NOTHING and on_timeout:
        raise QuestionError(f"{prompt!r} can have default= or on_timeout=, but not both.")
    chosen: Any = "default" if default is not NOTHING else on_timeout
    if expires is None and chosen is not None:
        raise QuestionError(f"{prompt!r} has default= or on_timeout=, so it needs expires= too.")
    if expires is not None and chosen is None:
        raise QuestionError(f"{prompt!r} has expires=, so it needs default= or on_timeout= too.")
    return cast("OnTimeout | None", chosen)
