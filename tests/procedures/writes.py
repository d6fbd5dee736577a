"""Steps that write into the site's own database."""

import psycopg
from django.contrib.auth.models import Group
from django.db import connection

from procedures.engine import Context, Retry, Step, procedure
from procedures.models import Grant, Procedure
from tests.procedures.traces import act, did, saw


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
def idle_transaction(ctx: Context) -> str:
    """A step that may write, and has nothing to write this time."""
    return ctx.step(str, "nothing", name="write", transaction=True)


@procedure
def talking_transaction(ctx: Context) -> None:
    ctx.step(write_and_talk, transaction=True)


def write_and_lose_the_connection(step: Step) -> None:
    did.append(step.attempt)
    Group.objects.create(name="row")
    if "loses" in saw:
        saw.remove("loses")
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    if "loses unseen" in saw:
        saw.remove("loses unseen")
        with psycopg.connect(**connection.get_connection_params()) as other:
            other.execute(
                "SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid]
            )


@procedure
def losing_the_connection(ctx: Context, attempts: int = 1) -> None:
    retry = Retry(attempts, backoff="1ms")
    ctx.step(write_and_lose_the_connection, name="write", transaction=True, retry=retry)


def write_what_no_commit_takes() -> None:
    did.append("write")
    procedure_id = 0 if "mended" not in saw else Procedure.objects.values_list("pk", flat=True)[0]
    group = Group.objects.create(name=f"row {len(did)}")
    Grant.objects.create(procedure_id=procedure_id, group=group, role="see")


@procedure
def refused_by_the_commit(ctx: Context) -> None:
    ctx.step(act, "before", name="before")
    ctx.step(write_what_no_commit_takes, name="write", transaction=True)


def greet(step: Step) -> None:
    step.say("Hello.")
    step.say("I go on.")


@procedure
def greeting(ctx: Context) -> None:
    ctx.step(greet, timeout="1h")


def connection_in_use() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


@procedure
def whose_connection(ctx: Context) -> int:
    return ctx.step(connection_in_use)


def write_oddly() -> bytes:
    did.append("write")
    Group.objects.create(name="row")
    return b"\xff"


@procedure
def writing_oddly(ctx: Context) -> bytes:
    return ctx.step(write_oddly, transaction=True, retry=Retry(3, backoff="1ms"))
