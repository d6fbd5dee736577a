"""The texts in the bodies of the API: PostgreSQL refuses NUL, even in a query."""

from collections.abc import Iterator
from typing import Any, get_args

import chat.api
import chat.inbox_api
import chat.sessions_api
import procedures.operations_api
from procedures.schemas import Body

ROUTERS = (chat.api, chat.inbox_api, chat.sessions_api, procedures.operations_api)
CHECKED_LATER = {
    *("AskBackIn.reason", "AskBackIn.text", "ResponseIn.comment", "ResponseIn.reason"),
    *("BulkIn.comment", "DraftIn.values", "RestartIn.inputs", "ForkIn.inputs"),
    *("MemberIn.user", "MessageIn.confirms", "MessageIn.text"),
    *("SessionChangeIn.title", "SessionIn.members", "SessionIn.text", "SessionIn.title"),
}
"""Texts that a service checks, with a sentence of its own, before the database sees them."""


def test_the_database_sees_no_text_with_a_character_that_it_refuses() -> None:
    unchecked = {f"{body.__name__}.{name}" for body in bodies(Body) for name in plain_texts(body)}

    assert all(one.router for one in ROUTERS)
    assert unchecked == CHECKED_LATER


def bodies(base: type[Body]) -> Iterator[type[Body]]:
    for one in base.__subclasses__():
        yield one
        yield from bodies(one)


def plain_texts(body: type[Body]) -> Iterator[str]:
    """Yield the fields that hold texts which the schema itself doesn't check."""
    for name, field in body.model_fields.items():
        is_checked = "without_nul" in f"{field.metadata}{field.annotation}"
        if holds_text(field.annotation) and not is_checked:
            yield name


def holds_text(annotation: Any) -> bool:
    return annotation is str or any(map(holds_text, get_args(annotation)))
