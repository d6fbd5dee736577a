"""The picture of a graph on the page of its procedure, and with states on the pages of its runs."""

import re
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from procedures import registry
from procedures.models import Run
from procedures.services import start_run
from programs.graphs import Ask, GraphContext
from programs.graphs.graph import made_of
from programs.graphs.shape import shape_of
from tests.configured import procedures_of
from tests.litestar import work
from tests.pages import browser

pytestmark = pytest.mark.django_db
MODULE = "pictured_flows"


def look(context: GraphContext) -> None: ...


@pytest.fixture
def pictured(operators: Group) -> Iterator[str]:
    steps = {"look": look, "review": Ask("Is <b>{x}</b> well?"), "end": look}
    shape = shape_of(steps, [("look", "review", "x != 'y'"), ("review", "end")])
    roles = {"roles": {"start": "operators", "see": "operators"}}
    module = sys.modules[MODULE] = ModuleType(MODULE)
    made = made_of(shape, "pictured", inputs={"x": str}, module=MODULE, options=roles)
    vars(module)["pictured"] = made
    with procedures_of(MODULE):
        registry.register(made)
        yield "pictured"
    del sys.modules[MODULE]


def places(page: str) -> dict[str, str]:
    """The label and the state of each place that a page draws."""
    drawn = re.findall(r'<g class="picture__node"([^>]*)><title>(.*?)</title>', page)
    states = {label: re.search(r'data-look="(\w+)"', about) for about, label in drawn}
    return {label: found[1] if found else "" for label, found in states.items()}


def read(page: Client, address: str) -> str:
    reply = page.get(address)
    assert reply.status_code == 200
    return reply.content.decode()


def test_the_picture_is_shown_and_follows_the_run(pictured: str, dave: User) -> None:
    page = browser(dave)
    drawn = read(page, f"/procedures/{pictured}")
    asked = "Is &lt;b&gt;…&lt;/b&gt; well?"
    assert places(drawn) == {"Look": "", asked: "", "End": ""}
    assert "flowchart TD" in drawn
    assert "x != &#x27;y&#x27;" in drawn

    run, _ = start_run(pictured, {"x": "z"}, by=dave)
    work(run.pk)
    shown = read(page, f"/runs/{run.pk}")

    assert Run.objects.get(pk=run.pk).status == "waiting"
    assert places(shown) == {"Look": "done", asked: "person", "End": ""}
    assert "class n1 person" in shown


def test_a_procedure_without_a_picture_shows_none(admin_user: User) -> None:
    registry.register_all()

    assert "picture__" not in read(browser(admin_user), "/procedures/question")
