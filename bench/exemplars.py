"""The few real runs of which the runs of a filled site are copies."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User

from chat.models import HumanRequest, Session
from chat.services import Answer, post_message, respond
from procedures import runner, services
from procedures.models import Run
from procedures.models.clock import clock

MARK = "K-1000000"
"""A word of the texts that is another one in each copy."""
LONG = 1000
"""The number of messages in a long session."""


@dataclass(frozen=True)
class Cast:
    """The people of an exemplar; each copy has other people in their places."""

    starter: User
    asked: User
    guest: User
    answerer: User
    lawyer: User
    operator: User
    talk: int = LONG


@dataclass(frozen=True)
class Exemplar:
    """A way to make a run with the product itself."""

    make: Callable[[Cast], Any]
    share: int
    """The number among 1,000 copies that are of this one; 0 if they are counted otherwise."""
    days: tuple[float, float] = (1, 365)
    """The least and the greatest age of its copies."""
    opens: int = 0
    """The number among 1,000 open requests of the site that are of this one."""


def begin(cast: Cast, procedure: str, **inputs: Any) -> Run:
    run, _ = services.start_run(procedure, inputs, by=cast.starter)
    runner.advance_run(run.pk)
    return run


def answer(run: Run, by: User, *, value: Any, after: timedelta = timedelta(minutes=4)) -> Run:
    request = HumanRequest.objects.open().get(wait__run=run)
    with later(after):
        respond(request.pk, Answer(value), by=by)
        runner.advance_run(run.pk)
    return run


@contextmanager
def later(length: timedelta) -> Iterator[None]:
    before = clock.ahead
    clock.ahead = before + length
    try:
        yield
    finally:
        clock.ahead = before


def asking(cast: Cast) -> Run:
    return begin(cast, "pay_invoice", number=MARK, note="Please before the end of the month.")


def asking_one(cast: Cast) -> Run:
    return begin(cast, "pay_invoice", number=MARK, asks=f"@{cast.asked.get_username()}")


def paid(cast: Cast) -> Run:
    return answer(asking(cast), cast.answerer, value=True)


def refused(cast: Cast) -> Run:
    return answer(asking(cast), cast.answerer, value=False)


def paid_by_one(cast: Cast) -> Run:
    return answer(asking_one(cast), cast.asked, value=True)


def expired(cast: Cast) -> None:
    run = asking(cast)
    with later(timedelta(days=61)):
        services.sweep()
        runner.advance_run(run.pk)


def imported(cast: Cast) -> Run:
    return begin(cast, "import_orders", source=MARK)


def failed(cast: Cast) -> Run:
    return begin(cast, "import_orders", source=MARK, fails="now")


def retrying(cast: Cast) -> Run:
    return begin(cast, "import_orders", source=MARK, fails="later")


def queued(cast: Cast) -> Run:
    return services.start_run("import_orders", {"source": MARK}, by=cast.starter)[0]


def paused(cast: Cast) -> str:
    return services.pause_run(asking(cast).pk, by=cast.operator, reason="Until the audit is over")


def cancelled(cast: Cast) -> Run:
    run = asking(cast)
    services.cancel_run(run.pk, by=cast.operator, reason="It was sent twice")
    runner.advance_run(run.pk)
    return run


def sleeping(cast: Cast) -> Run:
    return settle(begin(cast, "report_month", month=MARK, waits="45 days"))


def reported(cast: Cast) -> None:
    run = settle(begin(cast, "report_month", month=MARK))
    with later(timedelta(minutes=2)):
        services.sweep()
        settle(run)
        answer(run, cast.answerer, value="mail")


def settle(run: Run) -> Run:
    """Advance the run and its child as far as they can go."""
    for _ in range(2):
        for child in Run.objects.filter(parent_wait__run=run):
            runner.advance_run(child.pk)
        services.sweep()  # in a transaction its end is not told at once
        runner.advance_run(run.pk)
    return run


def signing(cast: Cast) -> Run:
    return begin(cast, "sign_contract", partner=MARK)


def shared(cast: Cast) -> None:
    """Let the guest restart the run, and the starter once more: three runs, two members."""
    run = begin(cast, "pay_invoice", number=MARK, asks=f"@{cast.guest.get_username()}")
    answer(run, cast.guest, value=False)
    for by, asks, who in ((cast.guest, "legal", None), (cast.starter, "finance", cast.answerer)):
        again, _ = services.restart_run(run.pk, by=by, reason="Try again", inputs={"asks": asks})
        runner.advance_run(again.pk)
        answer(again, who or cast.lawyer, value=True)


def talked_about(cast: Cast, messages: int = 3) -> Run:
    run = asking(cast)
    session = Session.objects.get(requests__wait__run=run)
    for number in range(messages):
        with later(timedelta(seconds=number)):
            post_message(session, f"A word about {MARK}, the {number + 1}th.", by=cast.starter)
    return answer(run, cast.answerer, value=True, after=timedelta(hours=1))


def talked_about_for_long(cast: Cast) -> None:
    run = talked_about(cast, cast.talk)
    for _ in range(5):
        with later(timedelta(hours=2)):
            again, _ = services.restart_run(run.pk, by=cast.starter, reason="Try again")
            runner.advance_run(again.pk)
            answer(again, cast.answerer, value=True)


RECENT = (0.2, 30)
EXEMPLARS = (
    # First, because they let time pass for every run there is.
    Exemplar(expired, share=10, days=(70, 365)),
    Exemplar(reported, share=50),
    Exemplar(paid, share=330),
    Exemplar(refused, share=60),
    Exemplar(paid_by_one, share=60),
    Exemplar(imported, share=260),
    Exemplar(failed, share=25),
    Exemplar(retrying, share=1, days=(0.01, 0.05)),
    Exemplar(queued, share=2, days=(0.0001, 0.0002)),
    Exemplar(paused, share=3, days=RECENT),
    Exemplar(cancelled, share=10),
    Exemplar(sleeping, share=10, days=RECENT),
    Exemplar(shared, share=10),
    Exemplar(talked_about, share=70),
    Exemplar(asking, share=0, days=RECENT, opens=900),
    Exemplar(asking_one, share=0, days=RECENT, opens=50),
    Exemplar(signing, share=0, days=RECENT, opens=50),
    Exemplar(talked_about_for_long, share=0),
)
