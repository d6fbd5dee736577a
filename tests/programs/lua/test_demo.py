"""The programs that the demo of `make run` shows."""

import json
import re
from pathlib import Path

import pytest
from django.utils.module_loading import import_string

from procedures.engine import Procedure
from procedures.testing import Answer, crash_test, run_procedure, script, silent

CHECKOUT = Path(__file__).parents[3]


def setting(name: str) -> str:
    """Return a variable that `make run` sets."""
    found = re.search(rf"^{name} := (.+)$", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)
    assert found
    return found[1]


@pytest.fixture(scope="module")
def shown() -> dict[str, Procedure]:
    """The procedures of the demo's files, as `make run` names and reads them."""
    readers = json.loads(setting("DEMO_READERS"))
    found = [path for glob in setting("DEMO_FILES").split(", ") for path in CHECKOUT.glob(glob)]
    read = [import_string(readers[path.suffix])(path.name, path.read_text()) for path in found]
    return {one.name: one for procedures in read for one in procedures}


def test_a_supplier_is_added_with_a_letter(shown: dict[str, Procedure]) -> None:
    people = script(
        {
            "Agree to*": True,
            "To which address*": "Lamp Street 1, Ulm",
            "The letter*": Answer({"decision": "Send it"}, by="ann"),
        }
    )
    run = crash_test(shown["add_supplier"], {"company": "Bright & Co"}, humans=people).undisturbed
    assert shown["add_supplier"].subject == "Add {company}"
    assert re.fullmatch(r"S-\d{4}-\d{4}", run.result["number"])
    assert run.result["letter"] == "letter to Bright  Co.txt"
    assert "Lamp Street 1, Ulm" in run.files[run.result["letter"]].decode()


def test_terms_that_nobody_agrees_to_add_no_supplier(shown: dict[str, Procedure]) -> None:
    run = run_procedure(shown["add_supplier"], {"company": "Bright"}, humans=silent)
    assert run.result == {"supplier": "Bright"}
    assert "Bright wasn't added: nobody answered in time." in run.notices
    refused = run_procedure(shown["add_supplier"], {"company": "Bright", "euros_per_year": 0})
    assert refused.error
    assert "more than 0 EUR" in refused.error["message"]


def test_an_outage_is_asked_about_until_it_is_over(shown: dict[str, Procedure]) -> None:
    people = script(
        {
            "How bad*": "Nobody can buy",
            "The notice*": Answer({"decision": "Publish"}, by="ann"),
            "*question 1)": False,
            "*question 2)": True,
            "What was the cause?": "A certificate.",
        }
    )
    run = crash_test(shown["outage"], humans=people).undisturbed
    assert shown["outage"].subject == "Outage: {what}"
    assert run.result["minutes"] == 15
    assert run.files["outage.md"].decode() == run.result["report"]
    assert "It was not over." in run.result["report"]
    assert run.result["report"].endswith("The cause: A certificate.")
