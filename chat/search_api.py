"""The search over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from ninja import Query, Router, Schema
from pydantic import Field

from chat.models import Searchable
from chat.services import FoundPage, Hit, TextFilter, search_texts
from procedures.access import SignedIn
from procedures.paging import Limit, page_size
from procedures.schemas import Word, refusals

router = Router()
PAGE = 20
After = Annotated[int | None, Query(ge=1, le=2**63 - 1)]


class HitOut(Schema):
    """A text that matches a search: that of a transcript entry, an answer, or a session's title."""

    kind: Searchable.Kind
    session_id: UUID = Field(validation_alias="session")
    session_title: str = Field(validation_alias="title")
    message_id: UUID | None = Field(
        validation_alias="message",
        description="The entry that shows the text; null for a session's title.",
    )
    request_id: UUID | None = Field(validation_alias="request")
    run_id: UUID | None = Field(validation_alias="run")
    by: str = Field(
        description="The user who wrote the text, or the title of the run that did; empty for a"
        " session's title."
    )
    at: datetime
    snippet: str = Field(description="The text around the first match.")
    marks: list[tuple[int, int]] = Field(
        description="The places in the snippet that match, each with its start and its end, in"
        " characters."
    )

    @staticmethod
    def resolve_marks(hit: Hit) -> list[tuple[int, int]]:
        marks, at = [], 0
        for piece, is_match in hit.pieces:
            marks += [(at, at + len(piece))] if is_match else []
            at += len(piece)
        return marks


class HitPage(Schema):
    """A page of hits, newest first."""

    items: list[HitOut] = Field(validation_alias="hits")
    next: int | None = Field(
        description="To get the next page, which may be empty, send this number as `after`. It is"
        " null on the last page."
    )


@router.get(
    "/search",
    response={200: HitPage, **refusals(422)},
    summary="Search what people and runs have said, newest first",
)
def search(
    request: SignedIn,
    q: Word,
    kind: Searchable.Kind | None = None,
    session: UUID | None = None,
    after: After = None,
    limit: Limit = PAGE,
) -> FoundPage:
    """Return the transcript entries, answers and session titles that contain each word of `q`.

    A word of `q` may also be a part of a longer word in the text. Upper and lower case and accents
    make no difference. Only the first 20,000 characters of each text are searched. You get only
    texts that you may see.
    """
    wanted = TextFilter(q, [kind] if kind else [], session)
    return search_texts(request.user, wanted, most=page_size(limit), before=after)
