"""The texts that the search finds, with an index over the parts of their words."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import StrIndex
from django.db.models.lookups import GreaterThan

from chat.grams import Query, fold, grams_of
from chat.models.request import HumanRequest
from chat.models.session import Session
from chat.store.gram_index import FTS, GramIndex, GramsField
from procedures.engine.journal.large import place_of
from procedures.engine.values import canonical

if TYPE_CHECKING:
    from chat.models.message import Message
    from chat.models.response import HumanResponse

LONGEST = 20_000
"""The number of characters at the beginning of a text that the search looks at."""


class SearchableQuerySet(models.QuerySet["Searchable"]):
    def fitting(self, query: Query) -> Self:
        """Return the texts whose grams include all grams of the query, found by the index.

        A text that fits needn't contain the query's words, because the grams of a word may be
        scattered over the text. Check the result with `containing`.
        """
        return self.filter(grams__fit=query) if query else self.none()

    def containing(self, query: Query) -> Self:
        """Return the texts that contain every part of the query, found by reading each text.

        An empty query matches nothing. Because each text is read, narrow the query to the keys of a
        few texts.
        """
        return self.filter(contains(query)) if query else self.none()


def contains(query: Query) -> Q:
    """Return a `Q` that matches texts that contain every part of the query."""
    return Q(*(GreaterThan(StrIndex("folded", Value(part)), 0) for part in query.parts))


class Searchable(models.Model):
    """A text that the search finds: a transcript entry's text, an answer, or a session's title.

    A row of this table gives nobody access to its text. Whoever may read the entry, the answer's
    request or the title may read the text.
    """

    class Kind(models.TextChoices):
        PERSON = "person"
        NOTICE = "notice"
        RUN = "run"
        REQUEST = "request"
        ANSWER = "answer"
        SESSION = "session"

    kind = models.CharField(max_length=10, choices=Kind)
    session = models.ForeignKey(Session, models.CASCADE, db_index=False, related_name="+")
    message = models.ForeignKey(
        "countersign_chat.Message", models.CASCADE, null=True, db_index=False, related_name="+"
    )
    request = models.ForeignKey(
        HumanRequest, models.CASCADE, null=True, db_index=False, related_name="+"
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.DO_NOTHING,
        null=True,
        db_index=False,
        db_constraint=False,
        related_name="+",
        help_text="The person who gave the answer.",
    )
    at = models.DateTimeField(help_text="The time of the entry or answer.")
    text = models.TextField(help_text="The beginning of the text, as snippets show it.")
    folded = models.TextField(help_text="The text as searches compare it.")
    grams = GramsField(
        help_text="Fragments of the text's words, by which the index finds the text."
    )

    objects = SearchableQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name = "searched text"
        indexes: ClassVar = [
            GramIndex(fields=["grams"], name=FTS),
            models.Index(fields=["session", "id"], name="countersign_texts_of_session"),
            models.Index(
                fields=["message"],
                condition=Q(message__isnull=False),
                name="countersign_texts_of_message",
            ),
            models.Index(
                fields=["request", "by"],
                condition=Q(request__isnull=False),
                name="countersign_texts_of_answers",
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["session"], condition=Q(kind="session"), name="countersign_one_title_each"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.text[:80]}"

    @classmethod
    def new(cls, kind: str, text: str, *, at: datetime, **of: Any) -> Self:
        """Return an unsaved text; `of` holds further fields, such as `session_id` and `message`."""
        kept = text.replace("\0", "")[:LONGEST]
        folded = fold(kept)
        grams = " ".join(grams_of(folded))
        return cls(kind=kind, at=at, text=kept, folded=folded, grams=grams, **of)

    @classmethod
    def of_message(cls, message: "Message", *, title: str = "") -> Self:
        """Return the unsaved text of a transcript entry.

        If the entry opens a session, `title` is the session's title, which becomes a part of the
        text.
        """
        text = "\n".join(filter(None, dict.fromkeys([title, *texts_of_message(message)])))
        of = {"session_id": message.session_id, "message": message}
        is_opened = message.kind == message.Kind.OPENED
        kind = cls.Kind.SESSION if is_opened else message.kind
        return cls.new(kind, text, at=message.at, **of)

    @classmethod
    def of_response(cls, response: "HumanResponse") -> Self:
        """Return the unsaved text of an answer: its value in words, and its comment."""
        request = response.request
        question, value = request.asked, response.plain_value
        words = "" if response.asks_back else question.rules.meaning_of(question, value)
        text = "\n".join(filter(None, [words, response.comment]))
        of = {"session_id": request.session_id, "request": request, "by_id": response.user_id}
        return cls.new(cls.Kind.ANSWER, text, at=response.at, **of)

    @classmethod
    def keep_title(cls, session: Session) -> None:
        """Make a session findable by its current title. Calling it twice is harmless."""
        at = session.created_at
        title = cls.new(cls.Kind.SESSION, session.title, at=at, session=session)
        names = ("at", "text", "folded", "grams")
        cls.objects.update_or_create(
            session=session,
            kind=title.kind,
            defaults={name: getattr(title, name) for name in names},
        )


def texts_of_message(message: "Message") -> Iterator[str]:
    """Yield the texts of a transcript entry.

    They include the names of files. The entry of a run also has the run's inputs; the entry of a
    request also has the request's prompt, body and evidence.
    """
    if message.kind == message.Kind.PERSON:
        yield message.summary
        yield from (file.name for file in message.files)
    else:
        yield message.text
        yield from values_in(message.posted)
    if message.kind == message.Kind.RUN and message.run:
        yield message.run.heading
        kept = message.run.inputs
        yield from values_in(None if place_of(kept) else json.loads(kept))
    if message.request:
        question = canonical.plain(message.request.question)
        yield message.request.prompt
        yield question.get("body", "")
        yield from values_in(question.get("evidence"))


def values_in(data: Any) -> Iterator[str]:
    """Yield the strings and numbers in JSON data, but not the names of fields."""
    left = [data]  # no recursion, because data may be nested very deeply
    while left:
        one = left.pop()
        if isinstance(one, dict | list):
            left += reversed([*one.values()] if isinstance(one, dict) else one)
        elif isinstance(one, str | int | float) and not isinstance(one, bool):
            yield str(one)
