"""The shipped procedure `release` with a real worker, over the API's own services."""

import json
import shlex
import sys
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from chat.models import HumanRequest
from procedures.conf import conf
from procedures.engine.journal.events import RunStatus
from procedures.models import Run
from tests import runs
from tests.calls import caller
from tests.configured import configure
from tests.conftest import StartWorker
from tests.processes import wait_until
from tests.repositories import Checkout

SPEAKS = "import time\nfor line in range(4): print('case', line, flush=True); time.sleep(0.4)"


@pytest.fixture
def shop(tmp_path: Path) -> Checkout:
    checkout = Checkout(tmp_path / "shop")
    checkout.commit("Begin")
    checkout.tag("v1.2.0")
    checkout.commit("feat: more")
    return checkout


def test_a_release_goes_through_a_worker_people_and_a_check_that_speaks(
    shop: Checkout, worker: StartWorker, settings: Settings, alice: User, bob: User
) -> None:
    configure(
        settings,
        SITE_CHOICES={
            "REPOSITORIES": {"shop": str(shop.path)},
            "CHECKS": {"tests": shlex.join([sys.executable, "-c", SPEAKS])},
        },
    )
    repositories, checks = map(json.dumps, conf.SITE_CHOICES.values())
    worker(REPOSITORIES=repositories, CHECKS=checks)
    run = runs.start("release", by=alice, repository="shop", check="tests")

    runs.answer(asked(run, "Which version"), value="minor", by=alice)
    review = asked(run, "Are these")
    text = f"{review.asked.draft}Thank you all.\n"
    runs.answer(review, value={"decision": "approved", "text": text}, by=alice)
    wait_until(lambda: "case 1" in said(run), timeout=30, what="the check to be heard")
    assert Run.objects.get(pk=run.pk).status == RunStatus.RUNNING
    runs.answer(asked(run, "Release shop 1.3.0?"), by=bob)

    runs.wait_for_success(run)
    assert shop.tag_text("v1.3.0").endswith("- more\nThank you all.\n")
    assert "tagger alice <countersign@site>" in shop.tag_text("v1.3.0")
    assert [file.name for file in run.artifacts.all()] == ["check-output.txt"]


def test_the_api_names_what_a_site_allows_and_refuses_the_rest(
    shop: Checkout, settings: Settings, alice: User
) -> None:
    configure(
        settings,
        SITE_CHOICES={
            "REPOSITORIES": {"shop": str(shop.path)},
            "CHECKS": {"tests": "true"},
        },
    )
    client = caller(alice)

    inputs = client.get("/api/procedures/release").json()["inputs"]
    refused = client.post(
        "/api/procedures/release/runs",
        {"repository": str(shop.path), "check": "tests"},
        "application/json",
    )

    assert inputs["properties"]["repository"]["enum"] == ["shop"]
    assert str(shop.path) not in json.dumps(inputs)
    assert refused.status_code == 422
    assert refused.json()["faults"] == [{"field": "repository", "message": "must be one of: shop."}]


def asked(run: Run, prompt: str) -> HumanRequest:
    return runs.wait_for_request(run, prompt=prompt)


def said(run: Run) -> str:
    return "".join(run.events.filter(kind="progress").values_list("data", flat=True))
