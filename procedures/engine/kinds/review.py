"""The kind of request that asks for a decision on a draft, which people may edit."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

from procedures.engine.errors import AnswerError, QuestionError
from procedures.engine.kinds import drafts
from procedures.engine.kinds.controls import Buttons, Control, Editor, Table, Uploads
from procedures.engine.kinds.kind import YES_OR_NO, Kind, Outcome, Terms
from procedures.engine.kinds.question_options import (
    check_no_secret,
    checked_json,
    checked_text,
    kept_text,
)
from procedures.engine.kinds.words import (
    YES,
    NoReplyError,
    TypedAnswer,
    plain_words,
    read_yes_or_no,
)
from procedures.engine.values.answers import check_answer, check_parts
from procedures.engine.values.files import File
from procedures.engine.values.spelling import short_repr

if TYPE_CHECKING:
    from procedures.engine.kinds.questions import Question

LONGEST_HINT = 60
"""The maximum number of characters of a hint that lists all decisions people can type."""
IN_MESSAGE = {"decision", "feedback", "edited_artifact"}
"""The keys that a driver may use in a message that answers a review.

A driver is a program that runs an agent's code and passes people's answers on as messages.
"""


class Review(Kind):
    """A question about a draft, which people may edit or replace before they decide on it."""

    name = "review"
    takes_yes_or_no = True
    default_labels: ClassVar = {"approved": "Approve", "rejected": "Reject"}

    def ask(
        self,
        prompt: str,
        draft: Any,
        *,
        decisions: Mapping[str, str] | None = None,
        format: str = "",  # noqa: A002 (the author's word)
    ) -> Terms:
        """Return the `Terms` of a review of `draft`, which is text, data or a `File`.

        Data is a dict, a list, or a value whose JSON is an object or a list. `decisions` maps names
        to the labels of their buttons; the first decision means approval. `format` says how the
        draft is shown: text as "text", "markdown" or "code", data as "json" or "table".
        """
        named = {} if decisions is None else drafts.checked_decisions(prompt, decisions)
        plain = checked_json(prompt, "draft", draft)
        if isinstance(draft, File):
            if format:
                raise QuestionError(f"{short_repr(prompt)}: a file can't have format=.")
            schema = drafts.file_review_schema(named or self.default_labels)
            text = kept_text(prompt, "draft", plain)
            return Terms(schema, draft=text, labels=named, shown_as=drafts.FILE)
        way = drafts.checked_way(prompt, format, plain)
        kept = kept_text(prompt, "draft", plain)
        is_data = type(plain) in drafts.KINDS
        text = drafts.text_of(draft) if is_data else checked_text("The draft", draft)
        check_no_secret("The draft", draft, kept)
        schema = drafts.review_schema(draft, named or self.default_labels)
        return Terms(schema, draft=text, labels=named, shown_as=way)

    def has_fields(self, question: "Question") -> bool:
        return False

    def check_default(self, question: "Question", default: Any) -> Any:
        """Return the default, a mapping such as {"decision": "late"}, as it is stored.

        The decision need not be one that people can choose. Raises `QuestionError` for a default
        without the name of a decision.
        """
        if not isinstance(default, dict) or not isinstance(default.get("decision"), str):
            raise QuestionError(
                f"{question.prompt!r}: the default of a review must be a mapping such as "
                f'{{"decision": "{next(iter(question.decisions))}"}}, '
                f"not {short_repr(default)}."
            )
        text = default.get("text")
        return default if text is None else {**default, "text": drafts.text_of(text)}

    def check(self, question: "Question", value: Any) -> Any:
        if question.draft_file:
            value = check_parts(value, question.schema)
        value = value if question.draft_file else check_answer(value, question.schema)
        if "text" in value or drafts.FILE in value:
            if value["decision"] == "rejected" and not question.labels:
                edited = "an edited text" if "text" in value else "another file"
                raise AnswerError(
                    f"A rejected draft can't have {edited}. Give the reason in the comment."
                )
            if question.is_of_data:
                drafts.parsed(value["text"], question.schema)
        return value

    def outcome_of(self, question: "Question", value: Any) -> Outcome:
        if not question.is_approved_by(value["decision"]):
            return Outcome.REJECTED
        if file := question.draft_file:
            sent = value.get(drafts.FILE)
            is_other = sent is not None and sent["digest"] != file.digest
            return Outcome.EDITED if is_other else Outcome.APPROVED
        draft = question.draft or ""
        is_same = drafts.is_same(draft, value.get("text", question.draft), question.schema)
        return Outcome.APPROVED if is_same else Outcome.EDITED

    def decisions(self, question: "Question") -> dict[str, str]:
        names = question.schema["properties"]["decision"]["enum"]
        words = question.labels or self.default_labels
        return {name: words.get(name, name) for name in names}

    def decision_of(self, question: "Question", value: Any) -> str:
        return str(value["decision"])

    def result_of(self, question: "Question", value: Any) -> tuple[Any, str]:
        """Return the draft, with the changes that people made, and the name of the decision.

        If the draft was rejected, and the author has given no other decisions, the draft is None or
        "".
        """
        if not isinstance(value, dict) or not value:
            return value, ""
        decision = value["decision"]
        file = question.draft_file
        if decision == "rejected" and not question.labels:
            return None if question.is_of_data or file else "", decision
        if file:
            sent = value.get(drafts.FILE)
            return File(**sent) if sent else file, decision
        text = value.get("text", question.draft) or ""
        if question.is_of_data:
            with suppress(ValueError):  # the text of a default isn't changed
                return json.loads(text), decision
        return text, decision

    def read_words(self, question: "Question", text: str) -> TypedAnswer:
        approving, *others = question.decisions
        own = {plain_words(name): name for name in question.labels}
        own |= {plain_words(label): name for name, label in question.labels.items()}
        if decision := own.get(plain_words(text)):
            return TypedAnswer({"decision": decision}, is_literal=True)
        is_yes = read_yes_or_no(text) if len(others) == 1 else plain_words(text) in YES
        if not is_yes and len(others) != 1:
            words = ", ".join(question.decisions.values())
            raise NoReplyError(f"Answer with one of these: {words}.")
        return TypedAnswer({"decision": approving if is_yes else others[0]}, is_literal=False)

    def typing_hint(self, question: "Question") -> str:
        if not question.labels:
            return YES_OR_NO
        hint = f"{', '.join(f'“{words}”' for words in question.decisions.values())}, or a message"
        return hint if len(hint) <= LONGEST_HINT else "the words on a button, or a message"

    def label_of(self, question: "Question", value: Any) -> str:
        if isinstance(value, Mapping):
            decision = str(value.get("decision", ""))
            return question.decisions.get(decision, decision)
        return super().label_of(question, value)

    def result_words(self, question: "Question", outcome: str, value: Any) -> str:
        if not question.labels or not isinstance(value, Mapping):
            return ""
        return f"“{self.label_of(question, value)}”"

    def short_answer(self, question: "Question", value: Any) -> str:
        return self.label_of(question, value) if question.labels else ""

    def public_answer(self, question: "Question", value: Any, outcome: str) -> str:
        return self.label_of(question, value) if question.labels else outcome

    def controls(self, question: "Question") -> list[Control]:
        buttons = Buttons(at="decision", values=list(question.decisions.items()))
        return [self._editor(question), buttons]

    @staticmethod
    def _editor(question: "Question") -> Control:
        """Return the control in which people edit the draft, or replace the file under review."""
        draft = question.draft or ""
        if question.draft_file:
            another = question.schema["properties"][drafts.FILE]
            label = "Your version of the file, if you changed it"
            return Uploads(at=drafts.FILE, schema=another, label=label)
        rows = question.draft_data if question.shown_as == drafts.TABLE else None
        if rows and (schema := drafts.table_schema(rows)):
            return Table(schema=schema, draft=draft)
        return Editor(draft=draft, is_data=question.is_of_data, shown_as=question.shown_as)

    def read_said(self, question: "Question", value: Any) -> Any:
        """Return the full answer for the short form that a test may use.

        The short form is True, False, the name or the label of a decision, or an edited draft,
        which is approved with its changes.
        """
        approving, *others = question.decisions
        if isinstance(value, bool):
            return {"decision": approving if value or not others else others[0]}
        by_label = {label: name for name, label in question.decisions.items() if question.labels}
        named = {**by_label, **{name: name for name in question.labels}}
        if isinstance(value, str) and value in named:
            return {"decision": named[value]}
        if (
            isinstance(value, Mapping)
            and "decision" in value
            and set(value) <= {"decision", "text", drafts.FILE}
        ):
            text = value.get("text")
            return value if text is None else {**value, "text": drafts.text_of(text)}
        if isinstance(value, File):
            return {"decision": approving, drafts.FILE: value}
        return {"decision": approving, "text": drafts.text_of(value)}

    def read_message(self, question: "Question", message: Mapping[str, Any]) -> tuple[Any, str]:
        if not message.keys() <= IN_MESSAGE:
            return message, ""
        edited = message.get("edited_artifact")
        text = {} if edited is None else {"text": edited}
        feedback = str(message.get("feedback") or "")
        return {"decision": message.get("decision"), **text}, feedback
