"""The product in somebody else's project, with processes of its own."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from dashboard.environment.variables import CHECKOUT, Environment
from tests import machine
from tests.processes import Process, Redis, Web, run_worker, wait_until

SETTINGS = "tests.host.settings"
ROWS = """
from django.apps import apps
found = {
    m._meta.label: sorted(map(str, m._default_manager.all()))
    for m in apps.get_models()
    if m._meta.label not in ("contenttypes.ContentType", "auth.Permission")
}
import json
print(json.dumps({label: rows for label, rows in found.items() if rows}))
"""
EACH = """
from django.core.management import call_command
for command in {commands}:
    call_command(*command.split())
"""
KEYS = (
    "create_token ann@shop.example --scopes read,start",
    "create_token bob@shop.example --scopes read,answer",
    "create_token carol@shop.example --scopes read,answer",
    "sign_in_link bob@shop.example",
    "sign_in_link ann@shop.example",
)


class Shop:
    """The shop's database, files and processes, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        redis = f"unix://{machine.FOLDER / 'redis.sock'}?db=7"
        self.environment = {"SHOP_FOLDER": str(folder), "SHOP_REDIS": redis}
        self.environment["DJANGO_SETTINGS_MODULE"] = SETTINGS
        self.web, self.open = Web(**self.environment), ExitStack()

    def manage(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run one of the shop's own commands; none of the product's variables is set."""
        bare = {name: value for name, value in os.environ.items() if name not in OTHERS}
        return subprocess.run(
            [sys.executable, "-m", "django", *words],
            env={**bare, **self.environment, **environment},
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def does(self, *words: str) -> str:
        ended = self.manage(*words)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    def does_each(self, *commands: str) -> list[str]:
        """Run commands in one process, which takes seconds to start; return what each prints."""
        return self.does("shell", "-v", "0", "-c", EACH.format(commands=commands)).splitlines()

    def rows(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = json.loads(self.does("shell", "-v", "0", "-c", ROWS))
        return found

    def client(self, path: str, **options: Any) -> httpx.Client:
        client = httpx.Client(base_url=f"{self.web.url}{path}", timeout=60, **options)
        self.open.enter_context(client)
        return client

    def program(self, token: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"}
        return self.client("/ops/api/", headers=headers)

    def browser(self, link: str) -> httpx.Client:
        """Somebody who signs in by the link."""
        client = self.client("/ops/")
        address = f"{self.web.url}/{link.split('/', 3)[3]}"
        signed_in = client.post(address, data={"csrfmiddlewaretoken": token_in(client, address)})
        assert signed_in.headers["Location"] == "/ops/"
        return client

    def socket(self, client: httpx.Client) -> ClientConnection:
        cookie = {"Cookie": f"sessionid={client.cookies['sessionid']}"}
        address = self.web.url.replace("http:", "ws:") + "/ops/live"
        return connect(address, origin=Origin(self.web.url), additional_headers=cookie)


OTHERS = {*Environment.model_fields, "DJANGO_SETTINGS_MODULE"}


def token_in(client: httpx.Client, address: str) -> str:
    shown = client.get(address)
    assert shown.status_code == 200, shown.text
    [token, *_] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', shown.text)
    return str(token)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    with made.open:
        yield made


pytestmark = pytest.mark.slow


@pytest.fixture
def migrated(shop: Shop) -> Shop:
    shop.does("migrate", "-v", "0")
    return shop


@pytest.fixture
def start(shared_redis: Redis) -> Iterator[Callable[[Process], None]]:
    with ExitStack() as stack:

        def start_until_the_end(process: Process) -> None:
            stack.callback(process.end)
            process.start()

        yield start_until_the_end


def open_request(program: httpx.Client, prompt: str) -> dict[str, Any]:
    def found() -> Any:
        items = program.get("requests", params={"status": "open"}).json()["items"]
        return [one for one in items if one["prompt"] == prompt]

    [request] = wait_until(found, timeout=60, what=f"the question {prompt!r}")
    assert isinstance(request, dict)
    return request


def hear_until(socket: ClientConnection, kind: str) -> list[str]:
    kinds: list[str] = []
    while kind not in kinds:
        message = json.loads(socket.recv(timeout=60))
        kinds += [frame.get("kind", "") for frame in message.get("frames", [])]
    return kinds


def test_only_what_the_shop_declared_stands_in_its_tables_and_an_app_of_it_may_be_called_chat(
    migrated: Shop,
) -> None:
    rows = migrated.rows()

    assert len(rows.pop("countersign_procedures.ProcedureVersion")) == 5
    assert rows == {
        "auth.Group": ["Auditors", "Operators", "Site managers", "clerks", "packers"],
        "countersign_dashboard.StandardGroup": ["Auditors", "Operators", "Site managers"],
        "countersign_procedures.Grant": [
            "clerks may start Send an order",
            "packers may answer Send an order",
        ],
        "countersign_procedures.Installation": ["Installation, epoch 1"],
        # Programs ask people by procedures of the product, which nobody may start yet; work on
        # many runs and the verification of the site are started in the admin.
        "countersign_procedures.Procedure": [
            "Ask people",
            "Operation on many runs",
            "Run of an external program",
            "Send an order",
            "Verification of the whole site",
        ],
    }

    said = "from tests.host.chat.models import Message; Message.objects.create(text='Hello')"
    names = "from django.db import connection; print(*connection.introspection.table_names())"
    found = migrated.does("shell", "-v", "0", "-c", f"{said}\n{names}").split()

    assert migrated.rows()["chat.Message"] == ["Hello"]
    assert {"chat_message", "countersign_chat_message"} <= {*found}


def test_a_run_of_the_shop_is_started_answered_followed_and_done(
    migrated: Shop, start: Callable[[Process], None]
) -> None:
    shop = migrated
    *tokens, link, clerks_link = shop.does_each("open_shop", *KEYS)
    start(shop.web)
    start(run_worker(1, **shop.environment))
    clerk, packer, stranger = map(shop.program, tokens)
    page, clerks_page = shop.browser(link), shop.browser(clerks_link)

    run = clerk.post("procedures/send_order/runs", json={"number": 7}).json()
    with shop.socket(clerks_page) as socket:
        socket.send(json.dumps({"follow": f"run:{run['id']}", "form": "data"}))
        asked = f"requests/{open_request(packer, 'Is order 7 packed?')['id']}"
        answer = {"csrfmiddlewaretoken": token_in(page, asked), "value": "true"}
        answered = page.post(f"{asked}/response", data=answer)
        second = f"requests/{open_request(packer, 'Is order 7 checked?')['id']}"
        refused = stranger.post(f"{second}/response", json={"value": 1})
        told = packer.post(f"{second}/response", json={"value": True})
        heard = hear_until(socket, "run.succeeded")

    done = clerk.get(f"runs/{run['id']}").json()
    assert (answered.status_code, refused.status_code, told.status_code) == (302, 404, 201)
    assert heard.count("wait.closed") == 2
    assert (done["status"], done["started_by"]) == ("succeeded", "ann@shop.example")
    assert httpx.get(f"{shop.web.url}/orders/7", timeout=60).json() == {"is_sent": True}
    assert "bob@shop.example" in clerks_page.get(f"runs/{run['id']}").text
    assert shop.manage("verify_journal").returncode == 0


def test_users_without_permissions_are_refused_in_words(shop: Shop) -> None:
    refused = shop.manage("check", DJANGO_SETTINGS_MODULE="tests.host.without_permissions")

    assert refused.returncode == 1
    assert "plain.Visitor has no groups and permissions" in refused.stderr
    assert "Make it inherit from django.contrib.auth.models.PermissionsMixin." in refused.stderr
    assert "plain.Visitor.name identifies people, so it must be unique." in refused.stderr
    assert "nobody can be deactivated" in refused.stderr
    assert "nobody can open the administration" in refused.stderr


def test_the_shop_itself_passes_every_check(shop: Shop) -> None:
    assert shop.does("check") == "System check identified no issues (0 silenced)."
    assert shop.does("makemigrations", "--check", "--dry-run") == "No changes detected"


def test_tables_of_runs_live_in_one_database(shop: Shop) -> None:
    two = {"DJANGO_SETTINGS_MODULE": "tests.host.two_databases"}
    refused = shop.manage("check", **two)
    kept_out = shop.manage("check", SHOP_ROUTERS="procedures.databases.DefaultRouter", **two)

    assert refused.returncode == 1
    assert "`stock` would get tables of runs, which must be in `default` only" in refused.stderr
    assert "procedures.databases.DefaultRouter" in refused.stderr
    assert kept_out.returncode == 0, kept_out.stderr
