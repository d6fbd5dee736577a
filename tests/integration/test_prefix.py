"""The product below a prefix of somebody's own site."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from pytest_django import Settings

from chat.models import HumanRequest
from dashboard.environment.variables import CHECKOUT
from procedures.models import Run
from procedures.runner import advance_run
from tests.calls import JSON, caller, detail, grant
from tests.hostile import journaled

pytestmark = pytest.mark.django_db
ADDRESS = re.compile(r'(?:href|src|action|hx-[a-z]+|data-(?!key=)[a-z-]+)="(/[^"]*)"')
OTHERS = ("/ops/", "/static/", "/office/")
WRITTEN_OUT = re.compile(r"""(?:href|src|action|hx-[a-z]+)="/|fetch\(\s*["'`]/|f"/api/""")


@pytest.fixture(autouse=True)
def below_a_prefix(settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.ops.urls"


@pytest.fixture
def run(alice: User, finance: Group) -> Run:
    grant("question", finance, "start", "answer", "see")
    answer = caller(alice).post("/ops/api/procedures/question/runs", {}, JSON)
    found = Run.objects.get(pk=answer.json()["id"])
    advance_run(found.pk)
    return found


@pytest.fixture
def finance(alice: User) -> Group:
    group = Group.objects.get_or_create(name="finance")[0]
    alice.groups.add(group)
    return group


def page(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    return response.content.decode()


def test_a_run_is_started_and_answered_by_the_api(run: Run, bob: User, finance: Group) -> None:
    bob.groups.add(finance)
    request = HumanRequest.objects.get()
    answer = caller(bob).post(f"/ops/api/requests/{request.pk}/response", {"value": True}, JSON)
    advance_run(run.pk)
    run.refresh_from_db()

    assert answer.status_code == 201
    assert run.status == "succeeded"


def test_large_values_are_read_below_the_prefix(
    run: Run, alice: User, finance: Group, client: Client
) -> None:
    grant("returns_much", finance, "start", "see")
    program, inputs = caller(alice), {"text": "i" * 120_000, "length": 5}
    told = program.post("/ops/api/procedures/returns_much/runs", inputs, JSON).json()
    journaled(run, "log", [{"text": "t" * 120_000}])
    client.force_login(alice)
    followed = client.get(f"/ops/live/range?stream=run:{run.pk}&form=data").json()["frames"]
    large = followed[-1]["data_at"]

    assert told["inputs_at"] == f"/ops/api/runs/{told['id']}/inputs"
    assert program.get(told["inputs_at"]).json() == inputs
    assert large.startswith(f"/ops/api/runs/{run.pk}/events/")
    assert program.get(large).json()["data"]["text"] == "t" * 120_000


def test_every_error_of_the_api_has_its_shape(alice: User) -> None:
    client = caller(alice)
    started = client.delete("/ops/api/procedures/question/runs")

    assert detail(client.get("/ops/api/nosuch"), 404) == detail(client.get("/ops/api/runs/7"), 404)
    assert detail(started, 405).startswith("Method DELETE isn't allowed here.")
    assert detail(Client().get("/ops/api/runs"), 401)
    assert client.head("/ops/api/runs").status_code == 200
    assert client.get("/ops/api/runs").headers["Cache-Control"] == "private, no-store"


def test_an_api_of_the_site_itself_is_left_alone(alice: User) -> None:
    found = Client().get("/api/orders")

    assert found.content == b"Our own page."
    assert "no-store" not in found.headers["Cache-Control"]
    assert not Client().get("/api/nosuch").headers["Content-Type"].startswith(JSON)


def test_the_description_and_its_page_know_the_prefix() -> None:
    shown = Client().get("/ops/api/docs")
    description = Client().get("/ops/api/openapi.json").json()

    assert "/ops/api/openapi.json" in shown.content.decode()
    assert "'unsafe-inline'" in shown.headers["Content-Security-Policy"]
    assert "/ops/api/procedures/{name}/runs" in description["paths"]
    assert all(one.startswith("/ops/api/") for one in description["paths"])


def test_who_is_not_signed_in_is_sent_to_the_form_below_the_prefix() -> None:
    assert Client().get("/ops/runs").headers["Location"] == "/ops/sign-in?next=/ops/runs"


def test_an_address_of_the_socket_asks_for_a_socket() -> None:
    assert Client().get("/ops/live").status_code == 426


@pytest.mark.parametrize(
    "name", ["", "runs", "chat", "procedures", "profile", "procedures/question", "RUN", "JOURNAL"]
)
def test_the_addresses_of_a_page_lie_below_the_prefix(
    run: Run, admin_user: User, client: Client, name: str
) -> None:
    client.force_login(admin_user)
    own = {"RUN": f"runs/{run.pk}", "JOURNAL": f"runs/{run.pk}/journal"}
    found: list[Any] = ADDRESS.findall(page(client, f"/ops/{own.get(name, name)}"))

    assert len(found) > 5
    assert [one for one in found if not one.startswith(OTHERS)] == []


def test_no_address_is_written_out() -> None:
    patterns = (
        *("templates/**/*.html", "dashboard/static/**/*.js"),
        *(f"{package}/**/*.py" for package in ("dashboard", "chat", "procedures")),
    )
    files = [file for pattern in patterns for file in CHECKOUT.glob(pattern)]

    assert len(files) > 100
    assert [file.name for file in files if WRITTEN_OUT.search(_code(file.read_text()))] == []


def _code(text: str) -> str:
    """The text without the comments of scripts."""
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
