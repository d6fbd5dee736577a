"""The examples in docs/graphs.md work as shown."""

import re

from dashboard.environment.variables import CHECKOUT
from procedures.testing import run_procedure, script
from programs.graphs.reader import read_graph
from tests.documents import Page

PAGE = Page(CHECKOUT / "docs" / "graphs.md")


def test_the_sessions_print_what_is_shown() -> None:
    assert PAGE.complaints() == []


def test_the_graph_in_yaml_runs() -> None:
    [text] = re.findall(r"^```yaml\n(.*?)^```$", PAGE.text, re.MULTILINE | re.DOTALL)
    people = script({"review": {"ok": True, "why": "late"}, "bank": 7})

    run = run_procedure(read_graph("refund.yaml", text), {"order": "A-7"}, humans=people)

    assert (run.prompts, run.result["bank"]) == (["Refund 22 € for A-7?"], 7)
