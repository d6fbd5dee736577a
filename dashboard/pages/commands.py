"""Commands in the chat, such as "/status", and the results that they show; neither is stored."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal
from uuid import UUID

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from chat.parts import SessionPart
from chat.services import MessageError, NotMemberError, checked_text
from dashboard.forms.commands import (
    Command,
    FilledForm,
    command_in,
    fill,
    likely_commands,
    plain_name,
    show,
)
from dashboard.forms.start import StartForm
from dashboard.overview import listed_runs
from dashboard.overview.lists import Listed
from dashboard.overview.operations import operations_for, refusals
from dashboard.overview.words import short_id
from dashboard.pages.dialogs import Dialog, dialog_of, reasons_of
from dashboard.pages.starting import new_key
from dashboard.pages.visit import Visit
from procedures import access, registry
from procedures.engine.declaration.definition import Procedure as Definition
from procedures.models import Procedure, Run
from procedures.services import NotAllowedError
from procedures.users import User

Kind = Literal["start", "status", "cancel", "help", "unclear"]
"""The kinds of results; "unclear" says why a command that was possible before isn't any more."""
OWN: dict[Kind, str | Promise] = {
    "status": lazy("Shows what each run in this session is doing."),
    "cancel": lazy("Cancels a run of this session."),
    "help": lazy("Shows what you can type here."),
}
"""The commands that start no procedure, each with a line that explains it."""
START = "start"
"""The command before a procedure's name, as in "/start refund".

It is needed only if the procedure has the name of a command, such as "status".
"""
RUN_ID = re.compile("[0-9a-f]{4}·[0-9a-f]{3}|[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", re.I)
"""A pattern for a run's id, either complete or with its last seven digits, such as "3f2a·9c1"."""
MOST_RUNS = 20
MOST_SOUGHT = 1000
"""The maximum number of active runs of a session that are searched for an id."""
LATELY = 100
"""The number of a person's last starts that decide the order of the offered procedures."""
LONGEST_LINE = 140
"""The maximum number of characters of a procedure's documentation in the list of commands."""


@dataclass(frozen=True)
class CommandResult:
    """The result of a command; only the person who typed the command sees it in the transcript."""

    kind: Kind
    text: str
    key: str = ""
    """The idempotency key for the start of a run; "" for other commands."""
    procedure: Procedure | None = None
    form: StartForm | None = None
    filled: FilledForm = field(default_factory=FilledForm)
    fault: str | Promise = ""
    runs: list[Listed] = field(default_factory=list)
    has_more: bool = False
    """True if the session has more active runs than `runs` contains."""
    dialog: Dialog | None = None
    """The form with which the person cancels a run; None while it isn't clear which run."""
    reason: str = ""
    """The reason for the cancellation that the person has typed."""


@dataclass(frozen=True)
class UnclearCommand:
    """A message that begins with a slash, but that the session can't carry out as a command."""

    text: str
    meant: list[str] = field(default_factory=list)
    """Texts of similar commands, one of which the person may have meant."""
    reason: str = ""
    """The reason why the command can't be carried out; "" if there is no such command."""
    href: str = ""
    """The address of a page on which the person can do the same; "" if there is none."""


@dataclass(frozen=True)
class OfferedCommand:
    """A command that the composer offers in a list while somebody types."""

    name: str
    title: str | Promise
    line: str | Promise

    @property
    def text(self) -> str:
        """The text with which the person gives this command."""
        is_own = plain_name(self.name) in {*OWN, START} and bool(self.title)
        return f"/{START} {self.name}" if is_own else f"/{self.name}"


@dataclass(frozen=True)
class Commands:
    """The commands that a person can give in a session."""

    request: Visit
    part: SessionPart

    @property
    def user(self) -> User:
        return self.request.user

    def answer_to(self, text: str, *, key: str = "") -> CommandResult | UnclearCommand | None:
        """Return the result of the command in a message; None if the message is no command."""
        command = command_in(text)
        if command is None:
            return None
        if reason := why_unfit(text):
            return UnclearCommand(text, reason=reason)
        return self._answer_to(command, key)

    def _answer_to(self, command: Command, key: str) -> CommandResult | UnclearCommand:
        match plain_name(command.name):
            case "status":
                return self._status(command)
            case "cancel":
                return self._cancel(command)
            case "help":
                return CommandResult("help", command.text)
            case "start" if command.words:
                command = Command.of(command.words, before=START)
            case "start":
                reason = _("Write the name of a procedure after “/start”.")
                return UnclearCommand(command.text, reason=reason)
        return self._start(command, key=key)

    def shown_again(self, text: str, *, key: str = "") -> CommandResult:
        """Return the result of a command that was typed before.

        If the command isn't possible now, the result says why, and its kind is "unclear".
        """
        shown = self.answer_to(text, key=key)
        if isinstance(shown, CommandResult):
            return shown
        reason = shown.reason if shown else ""
        fault = reason or _("There is no such command. Write “/help” to see all commands.")
        return CommandResult("unclear", text, key, fault=fault)

    def offers(self) -> Iterator[OfferedCommand]:
        """Yield the commands that the person can give here.

        Procedures come first, and among them those that the person started last.
        """
        if self.part.is_whole:
            for name, title in self._sorted():
                definition = registry.find(name)
                if definition:
                    yield OfferedCommand(name, title, first_line(definition.doc))
        for own, line in OWN.items():
            yield OfferedCommand(own, "", line)

    def _sorted(self) -> list[tuple[str, str]]:
        own = Run.objects.filter(started_by=self.user, parent_wait=None).order_by("-created_at")
        last = dict.fromkeys(own.values_list("procedure__name", flat=True)[:LATELY])
        places = {name: place for place, name in enumerate(last)}
        return sorted(
            self._startable.items(),
            key=lambda one: (places.get(one[0], LATELY), one[1].casefold()),
        )

    @cached_property
    def _startable(self) -> dict[str, str]:
        """The title of each procedure that the person may start, by the procedure's name."""
        found = access.procedures_for(self.user, "start")
        return dict(found.values_list("name", "title"))

    def _start(self, command: Command, *, key: str) -> CommandResult | UnclearCommand:
        found = called(command.name, self._startable.items())
        if found is None:
            return self._unclear(command)
        definition = registry.find(found)
        href = reverse("countersign:procedure_detail", args=[found])
        if definition is None:
            reason = _(
                "The code of this procedure isn't installed here, or can't be read, so it can't be "
                "started now."
            )
            return UnclearCommand(command.text, reason=reason, href=href)
        if not self.part.is_whole:
            return UnclearCommand(command.text, reason=str(NotMemberError()), href=href)
        procedure = Procedure.objects.get(name=found)
        return new_start(self.user, procedure, definition, command, key=key)

    def _unclear(self, command: Command) -> UnclearCommand:
        seen = access.visible_procedures(self.user).values_list("name", "title")
        if (name := called(command.name, seen)) and (definition := registry.find(name)):
            return UnclearCommand(command.text, reason=str(NotAllowedError(definition)))
        known = (self._startable if self.part.is_whole else {}) | dict.fromkeys(OWN, "")
        return UnclearCommand(command.text, likely_commands(command.name, known))

    def _status(self, command: Command) -> CommandResult:
        cards = self.part.cards.order_by("-run").values_list("run", flat=True)
        # If all runs have ended, only the last one is shown, with its outcome.
        ids = list(cards.filter(run__ended_at=None)[: MOST_RUNS + 1]) or list(cards[:1])
        runs = Run.objects.filter(pk__in=ids[:MOST_RUNS]).for_lists().order_by("-pk")
        has_more = len(ids) > MOST_RUNS
        return CommandResult("status", command.text, runs=listed_runs(runs), has_more=has_more)

    def _cancel(self, command: Command) -> CommandResult | UnclearCommand:
        first, *rest = command.words.split(maxsplit=1)[:2] or [""]
        cards = self.part.cards.filter(run__ended_at=None).order_by("-run")
        ids = list(cards.values_list("run", flat=True)[:MOST_SOUGHT])
        named = [one for one in ids if _is_called(one, first)]
        if not named and RUN_ID.fullmatch(first):
            # Otherwise, the id would be read as the reason for cancelling another run.
            reason = _("There is no run {id} in this session that you can cancel now.")
            return UnclearCommand(command.text, reason=reason.format(id=first))
        runs = list(Run.objects.filter(pk__in=named or ids[:MOST_RUNS]).for_lists().order_by("-pk"))
        why_not = refusals(self.user, runs, "cancel")
        runs = [run for run in runs if not why_not[run.pk]]
        if not runs:
            known = {why for run, why in why_not.items() if run in named}
            reason = _("There is no run in this session that you can cancel now.")
            return UnclearCommand(command.text, reason=known.pop() if len(known) == 1 else reason)
        reason = "".join(rest) if named else command.words
        if len(runs) > 1:
            return CommandResult("cancel", command.text, runs=listed_runs(runs), reason=reason)
        # The field for the reason has only one line.
        reason = " ".join(reason.split())
        [run] = runs
        run = Run.objects.select_related("procedure", "head", "version").get(pk=run.pk)
        operation = next(one for one in operations_for(self.user, run) if one.name == "cancel")
        dialog = dialog_of(operation, run, typed={"reason": reason})
        return CommandResult("cancel", command.text, runs=listed_runs([run]), dialog=dialog)

    def context_of(self, answer: CommandResult) -> dict[str, Any]:
        """Return the context of the template that shows this result."""
        session = reverse("countersign:session_detail", args=[self.part.session.pk])
        return {
            "command": answer,
            "session": self.part.session,
            "next": f"{session}#latest",
            "reasons": reasons_of(self.request),
            "own": OWN,
        }


def new_start(
    user: User, procedure: Procedure, definition: Definition, command: Command, *, key: str = ""
) -> CommandResult:
    """Return a new start form in which the words of the command are filled in."""
    form = StartForm(definition, by=user)
    filled = fill(form, command.words)
    show(form, filled)
    return CommandResult("start", command.text, key or new_key(), procedure, form, filled)


def why_unfit(text: str) -> str:
    """Return why a command is too long or can't be stored, or "" if neither is so."""
    try:
        checked_text(text)
    except MessageError as error:
        return str(error)
    return ""


def first_line(doc: str) -> str:
    """Return the first paragraph of a procedure's documentation as one line, which may be cut."""
    line = " ".join(doc.strip().split("\n\n")[0].split())
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1]}…"


def called(name: str, known: Iterable[tuple[str, str]]) -> str | None:
    """Return the name of the procedure that has this name or title.

    Return None if there is no such procedure, or if there are several and none has exactly this
    name.
    """
    plain = plain_name(name)
    if not plain:
        return None
    by_name = [own for own, _title in known if plain_name(own) == plain]
    by_title = [own for own, title in known if plain_name(title) == plain]
    found = by_name or by_title
    exact = [own for own in found if own == name]
    return next(iter(exact or found)) if exact or len(found) == 1 else None


def _is_called(run: UUID, word: str) -> bool:
    """Return True if a word is the run's id, or the last seven digits of the id."""
    plain = word.replace("·", "").replace("-", "").casefold()
    return plain in {short_id(run).replace("·", ""), run.hex}
