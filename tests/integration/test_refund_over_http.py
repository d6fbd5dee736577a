"""The README's commands, as they stand there: 2,000 orders refunded with curl alone."""

import csv
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dashboard.demo.people import create_demo_accounts
from dashboard.environment.variables import CHECKOUT
from procedures.models import Run
from tests.processes import Web

SECTION = re.compile(r"^## Refund 2,000 orders with curl\n.*?^```sh\n(.*?)^```$", re.S | re.M)
PATIENCE = 120
"""Seconds for the whole section; a script that waits for ever fails."""


def commands(url: str) -> str:
    """The section's script against another address, with the interpreter that runs the tests."""
    found = SECTION.search((CHECKOUT / "README.md").read_text())
    assert found, "The README has no section with the commands any more."
    script = found[1]
    assert "http://localhost:8000" in script
    script = script.replace("http://localhost:8000", url)
    return script.replace(".venv/bin/python manage.py", f"{sys.executable} {CHECKOUT}/manage.py")


def run_script(script: str, folder: Path) -> str:
    """Runs in a folder that has what a checkout has for it: the sample orders, and .local."""
    assert shutil.which("curl"), "Install curl: it is what the README promises."
    (folder / "docs").symlink_to(CHECKOUT / "docs")
    (folder / ".local").mkdir()
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],  # noqa: S607 (bash and curl of this machine)
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.usefixtures("running_worker", "running_clock")
def test_the_readmes_curl_commands_refund_2000_orders(running_web: Web, tmp_path: Path) -> None:
    create_demo_accounts()

    output = run_script(commands(running_web.url), tmp_path)

    with (tmp_path / ".local" / "refunds.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    with (CHECKOUT / "docs" / "orders.csv").open(newline="") as file:
        orders = {row["order"]: row for row in csv.DictReader(file)}
    returned = {name for name, row in orders.items() if row["status"] == "returned"}
    asked = [row for row in rows if row["decided_by"] == "approver"]
    assert len(orders) == 2000
    assert {row["order"] for row in rows} == returned
    assert all(float(row["amount"]) == float(orders[row["order"]]["amount"]) for row in rows)
    assert [row["outcome"] for row in asked] == [
        "refunded",
        "refused",
        "refunded",
        "refunded",
        "refunded",
    ]
    assert all(float(row["amount"]) > 100 and row["comment"] == "by curl" for row in asked)
    assert {row["outcome"] for row in rows if row not in asked} == {"refunded"}
    assert "order,customer,amount" in output
    assert {path.name for path in tmp_path.iterdir()} == {"docs", ".local"}  # git sees no new file
    run = Run.objects.get()
    assert run.started_by
    assert run.started_by.username == "starter"
    assert json.loads(run.result or "")["read"] == 2000
