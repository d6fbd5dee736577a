"""Pages of a filled site: they can be drawn, and read few rows, each by an index."""

import re
from collections.abc import Iterator
from datetime import datetime

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Count
from django.utils import timezone

from bench.fill import fill
from chat.access import visible_messages
from chat.grams import Query
from chat.models import HumanRequest, Member, Searchable
from chat.services import TextFilter, search_texts, searching
from procedures.models import Event, Head, Procedure, Run
from tests.configured import configured
from tests.pages import browser, queries_of
from tests.plans import Node, nodes_of_page, rows_read

RUNS = 2_500
MOST_READ = 100
"""The rows that a page may read for each procedure, however many runs there are."""
MOST_IN_ADMIN = 21_000
"""Ten thousand to count, as many for the values of a filter, and a page."""
GROWING = ("run", "event", "wait", "humanrequest", "message", "session", "sessionevent")
PEOPLE = ("starter", "approver", "operator", "auditor", "few", "outsider")
PATHS = (
    *("/", "/overview", "/inbox/", "/requests/waiting", "/api/requests?status=open", "/chat"),
    *("/runs", "/runs?state=failed", "/runs?state=people", "/runs/changes", "/api/runs"),
)
CHAT, SEARCH = "/chat/one", "/search?q=approve"
SESSION = re.compile("/chat/([0-9a-f-]{36})")
MOST_STATEMENTS = {"/": 26, "/overview": 21, "/inbox/": 20, CHAT: 32, "/runs": 27, SEARCH: 33}
"""The statements that a page takes at most for each of these people."""
FOR_OPERATORS = {"/": 12, "/overview": 7}
"""The further statements for the health of the site, which operators are shown."""
LIMITS = {
    "FEW": 50,
    "FEW_TEXTS": 200,
    "SAMPLE": 200,
    "OFTEN": 4,
    "MOST_FETCHED": 100,
    "MOST_READ": 1000,
}
"""The limits of a search, by their names in `chat.services.searching`, for a site of this size."""
MOST_TEXTS = 2000
"""The texts that a search may read within these limits."""
ADMIN = ("procedures_event", "procedures_run", "chat_humanrequest", "chat_session")
SCANNED, MOST_BY_SEARCH, MOST_ON_PAGE = 100, 2_000, 4_000
"""The newest rows that a search or a filter looks at here, and the rows that the page may read."""
OF_ADMIN = {
    **{
        f"{one}/?q=xyzzy": MOST_BY_SEARCH
        for one in (
            *("chat/decision", "chat/humanrequest", "chat/humanresponse", "chat/requestevent"),
            *("chat/message", "procedures/run"),
        )
    },
    "chat/humanrequest/?p=20": MOST_ON_PAGE,
    "chat/decision/?p=20": MOST_ON_PAGE,
}
"""Pages of the admin's lists, with the rows that each may read."""

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


@pytest.fixture(scope="module")
def site(module_rows: None) -> Iterator[None]:
    """A site with people, most of whose runs have ended."""
    with configured(PROCEDURE_MODULES=["bench.filled"], MOST_STARTS_A_MINUTE=10_000):
        fill(RUNS)
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                # As on a large site, where reading a whole table costs more than a few rows by key.
                cursor.execute("SET LOCAL random_page_cost = 0.1")
        yield


@pytest.mark.usefixtures("site")
def test_a_filled_site_holds_what_was_asked_for() -> None:
    assert abs(Run.objects.count() - RUNS) < RUNS / 50
    assert Event.objects.count() > 8 * RUNS
    assert 0.08 < HumanRequest.objects.open().count() / RUNS < 0.11
    assert set(Run.objects.values_list("status", flat=True)) >= {
        *("queued", "waiting", "retrying", "paused", "succeeded", "failed", "cancelled")
    }


@pytest.mark.usefixtures("site")
def test_every_status_and_kind_can_be_drawn() -> None:
    page = browser(User.objects.get(username="operator"))
    runs = {(one.procedure_id, one.status): one for one in Run.objects.all()}
    paths = [f"/runs/{one.pk}" for one in runs.values()]
    requests = {(one.kind, one.status): one for one in HumanRequest.objects.all()}
    for one in requests.values():
        paths += [f"/requests/{one.pk}", f"/chat/{one.session_id}"]

    assert {path: page.get(path).status_code for path in paths} == dict.fromkeys(paths, 200)


@pytest.mark.usefixtures("site")
def test_more_than_99_are_not_counted() -> None:
    page = browser(User.objects.get(username="operator"))

    assert Run.objects.filter(status="succeeded").count() > 99
    assert 'id="count-succeeded">99+<' in page.get("/runs").content.decode()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite doesn't count its rows")
@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", PEOPLE)
def test_a_page_reads_few_rows_by_indexes(name: str, path: str) -> None:
    read, tables = reading(User.objects.get(username=name), path)

    assert read < MOST_READ * Procedure.objects.count()
    assert tables == set()


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("name", PEOPLE)
def test_a_page_takes_few_statements(name: str) -> None:
    page = browser(User.objects.get(username=name))
    paths = {one: one for one in MOST_STATEMENTS if one != CHAT}
    if found := SESSION.search(page.get("/chat").content.decode()):
        paths[CHAT] = found[0]

    taken = {one: len(queries_of(page, path)) for one, path in paths.items()}

    more = FOR_OPERATORS if name == "operator" else {}
    most = {one: count + more.get(one, 0) for one, count in MOST_STATEMENTS.items()}
    assert {one: many for one, many in taken.items() if many > most[one]} == {}


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a search take the site for a large one: nobody's texts are few, and no word's."""
    for name, value in LIMITS.items():
        monkeypatch.setattr(searching, name, value)


@pytest.mark.usefixtures("site", "large")
@pytest.mark.parametrize("word", ["approve", "contract"])
@pytest.mark.parametrize("name", PEOPLE)
def test_the_pages_of_a_search_have_all_that_somebody_may_read(name: str, word: str) -> None:
    user = User.objects.get(username=name)
    texts = Searchable.objects.containing(Query(word)).order_by("-pk")
    readable = visible_messages(user)
    here = set(readable.values_list("pk", flat=True))
    asked = set(readable.exclude(request=None).values_list("request", flat=True))

    found, place, pages = list[tuple[str, datetime]](), None, 0
    while pages == 0 or place:
        page = search_texts(user, TextFilter(word), most=500, before=place)
        found += [(hit.kind, hit.at) for hit in page.hits]
        place, pages = page.next, pages + 1

    assert found == [
        (one.kind, one.at) for one in texts if one.message_id in here or one.request_id in asked
    ]
    assert pages <= 1 + texts.model.objects.count() // searching.MOST_READ


@pytest.mark.usefixtures("site", "large")
def test_the_pages_of_a_search_in_one_session_have_all_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(searching, "MOST_READ", 200)
    texts = Searchable.objects.containing(Query("word about"))
    session = texts.values("session").annotate(count=Count("pk")).latest("count")
    member = Member.objects.filter(session=session["session"])[0].user
    wanted = TextFilter("word about", session=session["session"])

    first = search_texts(member, wanted, most=500)
    second = search_texts(member, wanted, most=500, before=first.next)

    assert 0 < len(first.hits) < session["count"]
    assert len({hit.message for hit in (*first.hits, *second.hits)}) == session["count"]
    assert second.next is None


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite doesn't count its rows")
@pytest.mark.usefixtures("site", "large")
@pytest.mark.parametrize("word", ["approve", "contract", "K-1000321", "xyzzy"])
@pytest.mark.parametrize("name", ["starter", "operator", "auditor", "few"])
def test_a_search_reads_few_texts_whatever_its_words(name: str, word: str) -> None:
    nodes = nodes_of_page(User.objects.get(username=name), f"/search?q={word}")

    of_texts = [node for node in nodes if reads(node, "countersign_chat_searchable")]
    feed = [node for node in nodes if reads(node, "countersign_chat_feedentry")]
    assert rows_read(of_texts) < MOST_TEXTS < Searchable.objects.count() / 2
    assert rows_read(feed) < MOST_TEXTS


def reads(node: Node, table: str) -> bool:
    return node.get("Relation Name") == table or "countersign_search" in node.get("Index Name", "")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite doesn't count its rows")
@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("path", ["/", "/runs"])
def test_a_list_reads_no_more_of_a_long_journal(path: str) -> None:
    operator, newest = User.objects.get(username="operator"), Run.objects.order_by("-pk")[:5]
    lengthen(newest[0], by=1)  # so that the numbers above the list are counted both times
    before, _ = reading(operator, path)
    for run in newest.all():
        lengthen(run, by=1000)

    after, tables = reading(operator, path)

    assert after < before + 100
    assert tables == set()


def lengthen(run: Run, *, by: int) -> None:
    """Add events of steps to a run's journal."""
    first, at = run.head.seq + 1, timezone.now()
    Event.objects.bulk_create(
        Event(run=run, seq=seq, kind="step.succeeded", data="{}", at=at, hash="0" * 64)
        for seq in range(first, first + by)
    )
    Head.objects.filter(run=run).update(seq=run.head.seq + by)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite doesn't count its rows")
@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("model", ADMIN)
def test_a_list_of_the_admin_reads_a_limited_number_of_rows(model: str) -> None:
    app, name = model.split("_")
    path = f"/admin/countersign_{app}/{name}/"

    read, tables = reading(User.objects.get(username="operator"), path)

    assert read < MOST_IN_ADMIN
    assert tables == set()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite doesn't count its rows")
@pytest.mark.usefixtures("site")
def test_a_page_of_the_admin_reads_rows_beside_its_own_rows_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A search reads the texts beside the rows that it scans; a page, those beside its rows."""
    root = User.objects.create_superuser("root")
    monkeypatch.setattr("dashboard.admin.filters.MOST_VALUES", SCANNED)
    for its_admin in admin.site._registry.values():  # noqa: SLF001
        monkeypatch.setattr(its_admin, "most_searched", SCANNED, raising=False)

    found = {path: reading(root, f"/admin/countersign_{path}") for path in OF_ADMIN}

    assert {path: read for path, (read, _) in found.items() if read > OF_ADMIN[path]} == {}
    assert {path: tables for path, (_, tables) in found.items() if tables} == {}


def reading(user: User, path: str) -> tuple[int, set[str]]:
    """The rows that all statements of a page read, and the growing tables they read as a whole."""
    nodes = nodes_of_page(user, path)
    scanned = {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"}
    return rows_read(nodes), {name for name in scanned if name.rpartition("_")[2] in GROWING}
