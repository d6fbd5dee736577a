"""People, servers and processes for every test."""

import gc
import os
import signal
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import kombu.pools
import pytest
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission, User
from django.db import connections, transaction
from pytest_django import DjangoDbBlocker

from procedures.models.clock import clock as database_clock
from tests import machine
from tests.desk import Desk
from tests.order import dealt, place_of
from tests.postgres import PostgreSQL
from tests.processes import Process, Redis, Web, Worker, clock_worker, run_worker
from tests.second_tries import allow_second_try, repeated
from tests.tables import keep_what_migrate_made

SHOWN_OUTPUT = 6000
FIGURE = "figure"
GARBAGE = (700, 10, 1000)
"""Python's own thresholds of its collections, except that what lives long is searched seldom."""
P = TypeVar("P", bound=Process)


def pytest_configure() -> None:
    """SIGTERM ends a session as Ctrl-C does: with everything it has started.

    A test's own client gets no static files: each would look for all of them first.
    A password is not what most tests are about, and takes half a second.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    settings.PASSWORD_HASHERS = ["tests.passwords.OneRound", *settings.PASSWORD_HASHERS[1:]]
    for source in ("STATIC_ROOT", "MANIFEST", "FINDERS"):
        setattr(settings, f"SERVESTATIC_USE_{source}", False)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage among all the tests: a twentieth of the time would go there."""
    gc.disable()
    collected = yield
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)
    gc.enable()
    return collected


def pytest_itemcollected(item: pytest.Item) -> None:
    allow_second_try(item)


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_handlecrashitem(report: pytest.TestReport) -> Generator[None, object, object]:
    """Fail if a process of the session has died, even where its test is tried again."""
    handled = yield
    report.outcome = "failed"
    return handled


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """On several cores, have the tests that take longest begin first."""
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if processes == 1:
        return
    files, others = defaultdict[int, list[pytest.Item]](list), list[pytest.Item]()
    for item in items:
        place = place_of(str(item.path))
        (others if place is None else files[place]).append(item)
    items[:] = dealt([files[place] for place in sorted(files)], others, processes)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the processes wrote when a test with processes fails."""
    report = yield
    if report.failed and "shared_redis" in item.fixturenames:
        report.sections += [(p.name, p.output[-SHOWN_OUTPUT:]) for p in Process.running]
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what was measured and repeated, also by the processes of a session on several cores."""
    reports = [one for found in terminalreporter.stats.values() for one in found]
    told = [pair for report in reports for pair in getattr(report, "user_properties", ())]
    if lines := [str(line) for name, line in dict.fromkeys(told) if name == FIGURE]:
        terminalreporter.section("figures")
        terminalreporter.write_line("\n".join(lines))
    if lines := [*repeated(terminalreporter.stats.get("rerun", ()))]:
        terminalreporter.section("a wait timed out, and the test was tried again: to be mended")
        terminalreporter.write_line("\n".join(lines))


@pytest.fixture(autouse=True)
def _clock_is_set_back() -> Iterator[None]:
    """Tests may set the database's clock ahead; the next one begins now."""
    yield
    database_clock.ahead = timedelta(0)


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Keeps a line about what was measured for the end of the session."""
    return partial(record_property, FIGURE)


# The database


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> Iterator[None]:
    """The test database is the one that DATABASE_URL names: the processes see it too."""
    settings = connections["default"].settings_dict
    settings["TEST"]["NAME"] = settings["NAME"]
    server = PostgreSQL(fsync=False).start() if machine.OWNS_POSTGRES else None
    yield
    if server:
        server.end()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock():
        keep_what_migrate_made()


@pytest.fixture(scope="module")
def module_rows(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, shared_redis: Redis
) -> Iterator[None]:
    """Keep the rows that a module's fixtures write until the last of its tests has run.

    Its tests run inside one transaction, so none of them may ask for `transaction=True`.
    """
    around = transaction.atomic()
    around._from_testcase = True  # type: ignore[attr-defined]  # noqa: SLF001 (as TestCase does)
    with django_db_blocker.unblock(), around:
        yield
        transaction.set_rollback(True)


# People


@pytest.fixture
def support(db: None) -> Group:
    return group("support")


@pytest.fixture
def finance(db: None) -> Group:
    return group("finance")


@pytest.fixture
def operators(db: None) -> Group:
    return group("operators")


@pytest.fixture
def alice(support: Group) -> User:
    """Starts and owns things."""
    return create_person("alice", support)


@pytest.fixture
def bob(finance: Group) -> User:
    """Answers."""
    return create_person("bob", finance)


@pytest.fixture
def carol(db: None) -> User:
    """A stranger."""
    return create_person("carol")


@pytest.fixture
def dave(operators: Group) -> User:
    """Operates."""
    return create_person("dave", operators)


def group(name: str) -> Group:
    """The one that the roles of a registered procedure may already have made."""
    return Group.objects.get_or_create(name=name)[0]


def create_person(name: str, *groups: Group) -> User:
    """Create a user as with `create_user`, in fewer statements: nobody has had the name before."""
    member_of = User.groups.through
    [user] = User.objects.bulk_create([User(username=name, password=make_password(None))])
    member_of.objects.bulk_create(member_of(user=user, group=group) for group in groups)
    return user


def create_manager(*groups: Group) -> User:
    """Staff who may see, add and change people, and nothing else."""
    return make_staff(create_person("manager", *groups), "view_user", "change_user", "add_user")


def make_staff(user: User, *codes: str) -> User:
    """Let somebody into the admin, with these permissions besides their own."""
    user.is_staff = True
    user.save(update_fields=["is_staff"])
    user.user_permissions.add(*Permission.objects.filter(codename__in=codes))
    return user


# What a test shares with its steps


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Gates for the steps of `tests.crash.procedures`, and what they did."""
    return Desk(tmp_path)


# Processes of one test, to be killed and stopped at will


class StartWorker(Protocol):
    def __call__(self, *, concurrency: int = 2, **environment: str) -> Worker: ...


class StartClock(Protocol):
    def __call__(self, **environment: str) -> Worker: ...


class StartWeb(Protocol):
    def __call__(self, **environment: str) -> Web: ...


@pytest.fixture
def redis_server(shared_redis: Redis) -> Iterator[Redis]:
    """Up and without messages. A test may stop, kill and pause it."""
    life = shared_redis.pid
    shared_redis.empty()
    yield shared_redis
    shared_redis.revive()
    if shared_redis.pid != life:
        forget_connections()


@pytest.fixture
def start(transactional_db: None, redis_server: Redis) -> Iterator[Callable[[P], P]]:
    """Starts any process and ends it with the test, before the database is emptied."""
    with ExitStack() as stack:

        def start_until_the_end(process: P) -> P:
            stack.callback(process.end)
            return process.start()

        yield start_until_the_end


@pytest.fixture
def worker(start: Callable[[Worker], Worker]) -> StartWorker:
    """Starts workers for runs: `first, second = worker(), worker(concurrency=1)`."""
    return lambda *, concurrency=2, **environment: start(run_worker(concurrency, **environment))


@pytest.fixture
def clock(start: Callable[[Worker], Worker]) -> StartClock:
    return lambda **environment: start(clock_worker(**environment))


@pytest.fixture
def web(start: Callable[[Web], Web]) -> StartWeb:
    return lambda **environment: start(Web(**environment))


# Processes shared by tests that leave them alive; nobody's while no test asks for them


@pytest.fixture(scope="module")
def start_for_module(django_db_setup: None, shared_redis: Redis) -> Iterator[Callable[[P], P]]:
    """Starts processes with settings of their own that the tests of a module share."""
    with ExitStack() as stack:

        def start_until_the_end(process: P) -> P:
            stack.callback(process.end)
            return process.start()

        yield start_until_the_end


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[Redis]:
    server = Redis().start()
    yield server
    forget_connections()
    server.end()


def forget_connections() -> None:
    """Close what this process has kept open to Redis."""
    for pool in kombu.pools.connections.values():
        pool.resize(pool.limit, reset=True)


@pytest.fixture(scope="session")
def shared_worker(django_db_setup: None, shared_redis: Redis) -> Iterator[Worker]:
    with closing_process(run_worker()) as worker:
        yield worker


@pytest.fixture(scope="session")
def shared_clock(django_db_setup: None, shared_redis: Redis) -> Iterator[Worker]:
    with closing_process(clock_worker()) as worker:
        yield worker


@pytest.fixture(scope="session")
def shared_web(django_db_setup: None, shared_redis: Redis) -> Iterator[Web]:
    with closing_process(Web()) as web:
        yield web


@pytest.fixture
def running_worker(
    shared_worker: Worker, transactional_db: None, redis_server: Redis
) -> Iterator[Worker]:
    with shared_worker.listening():
        yield shared_worker


@pytest.fixture
def running_clock(
    shared_clock: Worker, transactional_db: None, redis_server: Redis
) -> Iterator[Worker]:
    with shared_clock.listening():
        yield shared_clock


@pytest.fixture
def running_web(shared_web: Web, transactional_db: None, redis_server: Redis) -> Web:
    shared_web.revive()
    return shared_web


@contextmanager
def closing_process(process: P) -> Iterator[P]:
    try:
        yield process
    finally:
        process.end()
