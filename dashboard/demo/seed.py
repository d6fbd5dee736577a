"""Many more runs and requests for the demo, so that it looks like a busy site."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from chat.models import HumanRequest
from chat.services import Answer, respond
from dashboard.demo.desk import Language, Matter, Outcome
from dashboard.demo.runs import at, was_made
from procedures import runner, services
from procedures.models import Run
from procedures.users import User

DUE = ("4 min", "", "40 min", "3h", "", "1 day", "20 min", "5 days", "")
"""The times within which people should answer, used in turn; with "", there is no such time."""
MATTERS = (*Matter, Matter.REFUND, Matter.REFUND, Matter.CARRIER)
"""The matters of cases, used in turn; those listed twice are the most frequent."""
ENDINGS = {3: Outcome.MAIL_FAILS, 8: Outcome.BANK_FAILS, 12: Outcome.REST}
"""The outcomes of some cases that ask nobody, by the case's number modulo 19."""
ANSWERED = (5, 10, 15)
"""The numbers modulo 19 of the cases that a person has answered."""
CYCLE = 19


@dataclass(frozen=True)
class Case:
    """One run of the service desk: its inputs, and how long ago it started."""

    number: int
    ago: timedelta
    matter: Matter
    outcome: Outcome
    due: str = ""
    is_answered: bool = False

    @property
    def key(self) -> str:
        return f"seed-{self.number}"

    @property
    def inputs(self) -> dict[str, str]:
        amount = Decimal(1031 + self.number * self.number * 137 % 240_000) / 100 + 10
        return {
            "order": f"2026-{1000 + self.number}",
            "amount": str(amount),
            "language": list(Language)[self.number % len(Language)],
            "matter": self.matter,
            "outcome": self.outcome,
            "due": self.due,
        }


def cases(runs: int, requests: int) -> Iterator[Case]:
    """Yield `runs` cases, the oldest first; the last `requests` of them wait for people."""
    for number in range(runs):
        from_end = runs - number
        matter = MATTERS[number % len(MATTERS)]
        if from_end <= requests:
            ago, due = timedelta(minutes=2 + 4 * from_end), DUE[number % len(DUE)]
            yield Case(number, ago, matter, Outcome.ASK, due)
            continue
        place, ago = number % CYCLE, timedelta(hours=5 + from_end - requests)
        if place in ANSWERED:
            yield Case(number, ago, Matter.REFUND, Outcome.ASK, is_answered=True)
        else:
            yield Case(number, ago, matter, ENDINGS.get(place, Outcome.DONE))


def seed(runs: int, requests: int, tell: Callable[[str], object]) -> int:
    """Create the cases that don't exist yet, and return how many were created."""
    people = User.objects.in_bulk(["starter", "approver"], field_name="username")
    starter, approver = people["starter"], people["approver"]
    made = 0
    for case in cases(runs, requests):
        if was_made("desk", case.key, starter):
            continue
        live_through(case, starter=starter, approver=approver)
        made += 1
        if made % 50 == 0:
            tell(f"Runs created: {made}")
    return made


def live_through(case: Case, *, starter: User, approver: User) -> Run:
    with at(-case.ago):
        run, _ = services.start_run("desk", case.inputs, by=starter, idempotency_key=case.key)
        runner.advance_run(run.pk)
    if case.is_answered:
        with at(timedelta(minutes=7) - case.ago):
            request = HumanRequest.objects.open().get(wait__run=run)
            respond(request.pk, Answer(value=True, channel="demo"), by=approver)
            runner.advance_run(run.pk)
    return run
