"""The arguments of tools: descriptions for agents, and checks that are made before any API call."""

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from procedures.library.ask import LONGEST_BODY, LONGEST_SUBJECT, MOST_ASKED, Kind

LONGEST_KEY = 200
KEY = (
    "A string that you choose for this {what}, such as deploy-1187. If you call again with the same"
    " key and the same arguments, nothing happens twice and you get the same result. Store it, and"
    " use it again after a crash or an error."
)


class Arguments(BaseModel):
    """The arguments of a tool. An unknown argument is refused, because it would have no effect."""

    model_config = ConfigDict(extra="forbid", populate_by_name=False)

    def given(self, *but: str) -> dict[str, Any]:
        """Return the arguments that the agent has sent, by name, except those named in `but`."""
        fields = type(self).model_fields
        wanted = self.model_fields_set - set(but)
        return {fields[name].alias or name: getattr(self, name) for name in wanted}


class AskPerson(Arguments):
    """The arguments of ask_person: a question to people."""

    subject: str = Field(
        min_length=1, max_length=LONGEST_SUBJECT, description="The question, in one line."
    )
    body: str = Field(
        default="",
        max_length=LONGEST_BODY,
        description="Markdown below the subject: everything people need to know to decide.",
    )
    kind: Kind = Field(
        default="approval",
        description="What the answer is. approval: true or false. input: a text. choice: one of"
        " the options. form: an object that fits the schema.",
    )
    form_schema: dict[str, Any] | None = Field(
        default=None,
        alias="schema",
        description='Only for a form: the JSON Schema of an object, such as {"type": "object",'
        ' "properties": {"city": {"type": "string", "title": "City"}}, "required": ["city"]}.',
    )
    options: dict[str, str] | list[str] | None = Field(
        default=None,
        description="Only for a choice: the values, or an object of values and labels, such as"
        ' {"blue": "Blue group", "green": "Green group"}.',
    )
    to: list[str] = Field(
        default=[],
        max_length=MOST_ASKED,
        description='Whom to ask: names of groups, or users such as "@ann". Any of them can'
        " answer. By default, every group that may answer is asked.",
    )
    due: str = Field(
        default="",
        description='By when you want an answer, such as "30m", "4h" or "2d". People are'
        " reminded; the question stays open.",
    )
    expires: str = Field(
        default="", description="After this time the question closes without an answer."
    )
    default: Any = Field(
        default=None, description="The value that counts as the answer when the question expires."
    )
    idempotency_key: str = Field(
        min_length=1,
        max_length=LONGEST_KEY,
        pattern=r"^[!-~]+$",
        description=KEY.format(what="question"),
    )


class GetRequest(Arguments):
    """The arguments of get_request: the handle of a question, or the id of a request."""

    handle: UUID = Field(
        description="The handle from ask_person, or the id of a request from list_requests."
    )


class CancelRequest(Arguments):
    """The arguments of cancel_request: the question to withdraw, and a reason."""

    handle: UUID = Field(description="The handle that ask_person returned.")
    reason: str = Field(
        min_length=1, description="Why nobody needs to answer any more. People read it."
    )


class ListRequests(Arguments):
    """The arguments of list_requests: the part of the inbox to list."""

    tab: Literal["mine", "groups", "unclaimed", "snoozed", "done"] = Field(
        default="mine",
        description="mine: assigned to the person by name, or claimed by them. groups: assigned to"
        " their groups. unclaimed: those of groups that nobody has claimed. snoozed: put off."
        " done: answered by them.",
    )
    after: UUID | None = Field(
        default=None, description="`next` of the page before, to read the page that follows."
    )
    limit: int = Field(default=20, ge=1, le=100, description="The maximum number of requests.")


class AnswerRequest(Arguments):
    """The arguments of answer_request: the request, and the answer of a person."""

    request_id: UUID = Field(description="The id of the request, from list_requests.")
    value: Any = Field(
        description="The answer, which must fit the `schema` from get_request. For an approval, it"
        " is true or false."
    )
    comment: str = Field(default="", description="A sentence that people read beside the answer.")


class StartProcedure(Arguments):
    """The arguments of start_procedure: the procedure, and the inputs of the run to start."""

    procedure: str = Field(min_length=1, description="The name from list_procedures.")
    inputs: dict[str, Any] = Field(
        default={}, description="The inputs by name, as list_procedures describes them."
    )
    idempotency_key: str = Field(
        min_length=1,
        max_length=LONGEST_KEY,
        pattern=r"^[!-~]+$",
        description=KEY.format(what="start"),
    )


class GetRun(Arguments):
    """The arguments of get_run: the run to read."""

    run_id: UUID = Field(description="The run_id that start_procedure returned.")


class ListProcedures(Arguments):
    """The arguments of list_procedures: a procedure to read, or the page of the list to return."""

    procedure: str = Field(
        default="",
        description="The name of one procedure, to get the JSON Schema of its inputs.",
    )
    after: str = Field(
        default="", description="`next` of the page before, to read the page that follows."
    )
