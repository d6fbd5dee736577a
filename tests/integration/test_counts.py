"""The costs of a claim, an answer and a task, counted: statements and connections."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from psycopg._queries import MAX_CACHED_STATEMENT_LENGTH, MAX_CACHED_STATEMENT_PARAMS

from procedures.journal import claim_next, holding
from procedures.models import Run
from procedures.registry import find
from procedures.runner import advance_run
from procedures.services import start_run
from procedures.store import sql
from procedures.store.exclusions import Exclusions
from tests.calls import JSON, caller, grant, request_of, run_until_it_waits
from tests.counting import counted
from tests.processes import Worker
from tests.runs import answer, wait_for_request, wait_for_success

pytestmark = pytest.mark.django_db(transaction=True)
POSTGRES_ONLY = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no server")
SQLITE_ONLY = pytest.mark.skipif(connection.vendor != "sqlite", reason="A server has no such log")
PAGE = 4096 + 24
"""Bytes, with what the log says of each."""
BOUNDS = ("BEGIN", "COMMIT")
IS_SERVER = connection.vendor == "postgresql"
WRITTEN = 2 if IS_SERVER else 9
"""Statements that insert the rows of a start: one for each app, or on SQLite one for each table."""


@pytest.fixture
def answered(bob: User, finance: Group) -> Run:
    """A run in nobody's hands whose question has been answered."""
    grant("two_questions", finance, "answer")
    run = run_until_it_waits("two_questions")
    answer(wait_for_request(run), by=bob)
    return run


def test_an_answer_is_nine_statements_and_one_commit(bob: User, finance: Group) -> None:
    grant("two_questions", finance, "answer")
    request = request_of(run_until_it_waits("two_questions"))

    with CaptureQueriesContext(connection) as captured:
        answer(request, by=bob)

    said = [query["sql"] for query in captured]
    # SQLite marks the assignments, numbers the change, and keeps the entry in the history and
    # the text for the search by statements of their own, which cost no round trip there.
    assert sum(not one.startswith(BOUNDS) for one in said) == (9 if IS_SERVER else 13)
    assert sum(one.startswith("COMMIT") for one in said) == 1


@pytest.mark.parametrize("key", ["", "once"])
def test_a_start_is_one_question_and_two_inserts(alice: User, support: Group, key: str) -> None:
    grant("repeated_steps", support, "start")

    with CaptureQueriesContext(connection) as captured:
        start_run("repeated_steps", {"times": 3}, by=alice, idempotency_key=key)

    said = [query["sql"] for query in captured]
    asked = [one for one in said if one.startswith("SELECT")]
    assert (len(asked), len(said)) == (1, 1 + WRITTEN + len(BOUNDS)), said


def test_a_start_is_so_many_calls_of_python(alice: User, support: Group) -> None:
    grant("repeated_steps", support, "start")

    def start() -> None:
        start_run("repeated_steps", {"times": 3}, by=alice)

    start()  # what is read and prepared once
    assert min(counted(start)["call"] for _ in range(3)) <= 1_500


FORGET_SIZE = "UPDATE pg_class SET relpages = 0, reltuples = -1 WHERE oid = %s::regclass"
FORGET_STATISTICS = "DELETE FROM pg_statistic WHERE starelid = %s::regclass"


@POSTGRES_ONLY
def test_the_end_of_a_run_looks_up_its_head_by_the_key() -> None:
    run, _ = start_run("repeated_steps", {"times": 3}, by=None)
    head: list[str | int] = [2, "", 1, 0, str(run.pk), 1, 1]
    event: list[str | int] = ["state", "", "", "{}", "2026-03-07T09:05:00+00:00"]

    with connection.cursor() as cursor:
        for change in (FORGET_SIZE, FORGET_STATISTICS):
            cursor.execute(change, ["countersign_procedures_head"])
        cursor.execute(f"EXPLAIN {sql.append_event_to_locked_run.text}", head + event)
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "using countersign_procedures_head_pkey" in plan
    assert "Seq Scan on countersign_procedures_head" not in plan


@POSTGRES_ONLY
def test_the_driver_converts_the_statements_of_a_start_only_once(
    alice: User, support: Group
) -> None:
    grant("repeated_steps", support, "start")
    lengths = list[tuple[int, int]]()

    def note(execute: Callable[..., object], sql: str, cells: Sequence[Any], *more: object) -> Any:
        lengths.append((len(sql), len(cells or ())))
        return execute(sql, cells, *more)

    with connection.execute_wrapper(note):
        start_run("repeated_steps", {"times": 3}, by=alice, idempotency_key="once")

    # It keeps no conversion of longer ones.
    assert max(length for length, _ in lengths) <= MAX_CACHED_STATEMENT_LENGTH
    assert max(cells for _, cells in lengths) <= MAX_CACHED_STATEMENT_PARAMS


def test_a_start_by_a_program_reads_the_token_and_nothing_twice(
    alice: User, support: Group
) -> None:
    grant("repeated_steps", support, "start")
    program, said = caller(alice), list[str]()

    def start() -> None:
        answer = program.post("/api/procedures/repeated_steps/runs", {"times": 3}, JSON)
        assert answer.status_code == 201
        assert answer.json()["last_seq"] == 1

    def note(execute: Callable[..., object], sql: str, *more: object) -> object:
        said.extend([] if sql.startswith(BOUNDS) else [sql])
        return execute(sql, *more)

    start()  # notes that the token is in use, once a minute
    with connection.execute_wrapper(note):
        start()

    asked = [one for one in said if one.startswith("SELECT")]
    assert len(asked) == 2
    assert len(said) == 2 + WRITTEN
    assert min(counted(start)["call"] for _ in range(3)) <= 3_300


def test_a_claim_takes_in_an_answer_with_few_statements(answered: Run) -> None:
    with CaptureQueriesContext(connection) as captured:
        assert claim_next(lambda found: find(found.procedure), Exclusions())

    said = [query["sql"] for query in captured]
    # On a server, all that is read is one statement, and so is all that is written.
    assert sum(not one.startswith(BOUNDS) for one in said) == (2 if IS_SERVER else 5)
    assert sum(one.startswith("COMMIT") for one in said) == 1


@POSTGRES_ONLY
@pytest.mark.parametrize(("at_most", "to_read"), [(holding.READ_WITH_CLAIM, 0), (4, 1)])
def test_a_claim_is_two_messages_and_brings_a_journal_that_is_not_long(
    at_most: int,
    to_read: int,
    bob: User,
    finance: Group,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A longer one is read when the lease is being renewed, not by the claim."""
    monkeypatch.setattr(holding, "READ_WITH_CLAIM", at_most)
    grant("two_questions", finance, "answer")
    runs = [run_until_it_waits("two_questions") for _ in range(3)]
    for run in runs:
        answer(wait_for_request(run), by=bob)

    messages = [messages_of_a_claim(tmp_path / run.pk.hex) for run in runs]

    # What is sent at once is prepared by then.
    assert messages[-1] == (2, to_read)


def messages_of_a_claim(path: Path) -> tuple[int, int]:
    """Return how often a claim waits for the server, and then the reading of the journal."""
    claiming, reading = path.with_suffix(".claim"), path.with_suffix(".journal")
    with traced(claiming):
        claimed = claim_next(lambda found: find(found.procedure), Exclusions())
    assert claimed
    assert claimed.journal
    with traced(reading):
        kinds = [event.kind for event in claimed.journal.load()]
    assert kinds[0] == "run.started"
    assert kinds[-2:] == ["wait.closed", "run.resumed"]
    return claiming.read_text().count("\tSync"), reading.read_text().count("\tSync")


@contextmanager
def traced(path: Path) -> Iterator[None]:
    """Write what the driver and the server send each other to this file."""
    driver = connection.connection.pgconn
    with path.open("w") as file:
        driver.trace(file.fileno())
        try:
            yield
        finally:
            driver.untrace()


def test_the_claim_of_a_child_asks_no_more_than_another() -> None:
    start_run("doubled", {"number": 1}, by=None)
    alone = said_by_a_claim()
    parent, _ = start_run("calling", {"number": 1}, by=None)
    advance_run(parent.pk)
    child = Run.objects.queued().get()

    assert child.depth == 1
    assert said_by_a_claim() == alone


def said_by_a_claim() -> int:
    with CaptureQueriesContext(connection) as captured:
        assert claim_next(lambda found: find(found.procedure), Exclusions())
    return sum(not query["sql"].startswith(BOUNDS) for query in captured)


def test_a_step_reads_nothing_and_is_one_commit() -> None:
    more = Counter(first_words(20))
    more.subtract(first_words(10))

    a_step = (
        ["WITH"] if connection.vendor == "postgresql" else ["BEGIN", "UPDATE", "INSERT", "COMMIT"]
    )
    assert +more == Counter(a_step * 10)


def first_words(steps: int) -> list[str]:
    """The first words of the statements that the database gets in a run of that many steps."""
    run, _ = start_run("repeated_steps", {"times": steps}, by=None)
    with CaptureQueriesContext(connection) as captured:
        advance_run(run.pk)
    return [query["sql"].split()[0] for query in captured]


def test_a_step_is_so_many_calls_of_python() -> None:
    calls_made(1)  # what is read and prepared once
    # The least of three: a collection of garbage or a slow moment adds calls of its own.
    few, many = (min(calls_made(steps) for _ in range(3)) for steps in (10, 30))
    assert (many - few) / 20 <= 223


def calls_made(steps: int) -> int:
    """The number of function calls, the driver's and the interpreter's own among them."""
    run, _ = start_run("repeated_steps", {"times": steps}, by=None)
    calls = counted(lambda: advance_run(run.pk))
    return calls["call"] + calls["c_call"]


@SQLITE_ONLY
def test_a_step_writes_three_pages() -> None:
    """The head, the event and its index; now and then a new page begins."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_autocheckpoint=0")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        few, many = pages_written(10), pages_written(30)
        cursor.execute("PRAGMA wal_autocheckpoint=1000")

    assert 3 <= (many - few) / 20 < 4


def pages_written(steps: int) -> int:
    log = Path(f"{connection.settings_dict['NAME']}-wal")
    run, _ = start_run("repeated_steps", {"times": steps}, by=None)
    before = log.stat().st_size
    advance_run(run.pk)
    return (log.stat().st_size - before) // PAGE


@POSTGRES_ONLY
def test_what_a_step_says_is_prepared_once() -> None:
    run, _ = start_run("repeated_steps", {"times": 10}, by=None)

    advance_run(run.pk)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'countersign_%'"
            " AND statement LIKE 'WITH held%' AND statement NOT LIKE '%json%'"
        )
        assert cursor.fetchone() == (1,)


@POSTGRES_ONLY
def test_a_worker_keeps_its_connections_between_tasks(running_worker: Worker) -> None:
    count = 6 * len(running_worker.slots)
    runs = [start_run("whose_connection", {}, by=None)[0] for _ in range(count)]

    used = {wait_for_success(run).result for run in runs}

    assert len(used) <= 2 * len(running_worker.slots)  # the heartbeat needs one, too
