"""Steps that write into the site's own database."""

from django.contrib.auth.models import Group

from procedures.engine import Context, Retry, Step, procedure
from tests.procedures.traces import did, saw


def write(step: Step) -> int:
    did.append(step.attempt)
    group = Group.objects.create(name=f"row {step.attempt}")
    if "fails" in saw:
        saw.remove("fails")
        raise ValueError("After the write.")
    if "dies" in saw:
        saw.remove("dies")
        raise KeyboardInterrupt
    return group.pk


@procedure
def writing(ctx: Context, attempts: int = 1) -> int:
    retry = Retry(attempts, backoff="1ms")
    return ctx.step(write, transaction=True, retry=retry)


def write_and_talk(step: Step) -> None:
    step.progress("Begun.")
    step.say("Hello.")
    Group.objects.create(name="row")


@procedure
def talking_transaction(ctx: Context) -> None:
    ctx.step(write_and_talk, transaction=True)


def greet(step: Step) -> None:
    step.say("Hello.")
    step.say("I go on.")


@procedure
def greeting(ctx: Context) -> None:
    ctx.step(greet, timeout="1h")
