"""The decorator that turns a plain function into a procedure."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import overload

from procedures.engine.declaration.checks import check_no_secrets, check_signature, is_resolved
from procedures.engine.declaration.definition import Function, Procedure, digest_of
from procedures.engine.declaration.limits import Limits
from procedures.engine.declaration.picture import Picture
from procedures.engine.declaration.roles import Role, granted_roles
from procedures.engine.errors import DefinitionError
from procedures.engine.values.options import check_kind, check_text, with_options
from procedures.engine.values.spelling import short_repr

NAME = re.compile(r"[A-Za-z_][\w.-]{,99}", re.ASCII)
LONGEST_TITLE = 200


@overload
def procedure(fn: Function, /) -> Procedure: ...
@overload
def procedure(
    *,
    name: str = ...,
    title: str = ...,
    subject: str = ...,
    roles: Mapping[Role, str | Iterable[str]] = ...,
    limits: Limits = ...,
    source: str = ...,
    listens: bool = ...,
    steer: bool = ...,
    picture: Picture | None = ...,
) -> Callable[[Function], Procedure]: ...
@with_options("@procedure", renamed={"version": "source"})
def procedure(  # noqa: PLR0913 (authors pass them by name)
    fn: Function | None = None,
    /,
    *,
    name: str = "",
    title: str = "",
    subject: str = "",
    roles: Mapping[Role, str | Iterable[str]] | None = None,
    limits: Limits | None = None,
    source: str = "",
    listens: bool = False,
    steer: bool = False,
    picture: Picture | None = None,
) -> Procedure | Callable[[Function], Procedure]:
    """Declare a procedure; `roles` names the groups that may see, start, answer, operate or cancel.

    For example, `roles={"start": "support", "answer": ["finance", "board"]}` lets the group
    "support" start runs of the procedure, and the groups "finance" and "board" answer the requests
    of these runs.

    `subject` is a template for one line of text that tells the procedure's runs apart. The template
    contains names of inputs in braces: "Refund {amount:,.2f} € for {order}". The limits in `limits`
    take the place of the site's limits for the procedure's runs.

    `source` is for a procedure that is written in another language than Python: `source` is the
    program's text, which the decorated function interprets. People are shown this text as the
    source of the procedure. The version of the procedure is computed from this text, so that a
    change of the text is treated like a change of Python code.

    With `listens=True`, people who may start, answer or operate the procedure's runs can write
    messages to a run. The procedure reads these messages with `ctx.inbox` and `ctx.converse`. With
    `steer=True`, people can also write messages to the step that is running. The step reads these
    messages with `Step.messages`. `picture` is a diagram of the steps and the paths between them;
    on the page of a run, the diagram also shows which steps the run has reached.
    """
    if not isinstance(limits, Limits | None):
        raise DefinitionError(f"Write limits=Limits(steps=...), not limits={short_repr(limits)}.")
    texts = {"name": name, "title": title, "subject": subject, "source": source}
    for option, value in texts.items():
        check_text(f"{option}= of @procedure", value)
    for option, given in {"listens": listens, "steer": steer}.items():
        check_kind(f"{option}= of @procedure", given, bool, "True or False")
    check_kind("picture= of @procedure", picture, Picture | None, "a Picture")

    hears = listens or steer

    def declare(fn: Function) -> Procedure:
        own_name = name or getattr(fn, "__name__", "") or short_repr(fn)
        spoken = title or own_name.replace("_", " ").capitalize()
        check_signature(own_name, fn)
        _check_names(own_name, spoken)
        check_no_secrets(own_name, fn)
        granted = granted_roles(own_name, roles or {})
        made = Procedure(
            fn, own_name, spoken, granted, limits or Limits(), "", subject, hears, steer, picture
        )
        if source:
            vars(made).update(source=source, version=digest_of(source))
        # While the decorator runs, a type that is defined further down the module isn't known yet.
        if is_resolved(fn):
            made.check()
        return made

    return declare if fn is None else declare(fn)


def _check_names(name: str, title: str) -> None:
    if not NAME.fullmatch(name):
        words = "use at most 100 letters, digits, ., _ and -, beginning with a letter or _"
        raise DefinitionError(f"Invalid procedure name {short_repr(name)}: {words}.")
    if not 0 < len(title.strip()) <= LONGEST_TITLE:
        words = f"use 1 to {LONGEST_TITLE} characters that aren't all spaces"
        raise DefinitionError(f"{name}: invalid title {short_repr(title)}: {words}.")
