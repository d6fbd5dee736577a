"""Files of procedures that are edited while the product runs: no restart is needed."""

import json
from pathlib import Path

import httpx

from tests.embedded.conftest import NewProduct
from tests.processes import wait_until

NOTICED = 20
"""Seconds: on a busy machine; a look is taken every second."""


def flow(name: str, prompt: str, title: str) -> str:
    roles = {"start": "support", "answer": "finance", "see": "support"}
    steps = [{"ask": prompt}]
    return json.dumps({"name": name, "title": title, "roles": roles, "steps": steps})


def test_what_is_edited_added_broken_and_mended_is_noticed(
    new_product: NewProduct, tmp_path: Path
) -> None:
    flows = tmp_path / "flows"
    flows.mkdir()
    shoes = flows / "shoes.json"
    shoes.write_text(flow("shoes", "Send them?", "Send shoes"))
    product = new_product(
        PROCEDURE_FILES=f"{flows}/*.json",
        PROCEDURE_READERS='{".json": "tests.list_reader.read_steps"}',
    ).start()

    with product.signed_in("operator") as client:
        sees(client, "/procedures", "Send shoes")
        shoes.write_text(flow("shoes", "Burn them?", "Burn shoes"))
        sees(client, "/procedures/shoes", "Burn them?")
        sees(client, "/procedures", "Burn shoes")
        (flows / "hats.json").write_text(flow("hats", "Brush them?", "Brush hats"))
        sees(client, "/procedures", "Brush hats")
        shoes.write_text("{\n oops")
        sees(client, "/procedures/shoes", "flows/shoes.json, line 2")
        shoes.write_text(flow("shoes", "Keep them?", "Keep shoes"))
        sees(client, "/procedures/shoes", "Keep them?")
        wait_until(
            lambda: any("flows/shoes.json" in line for line in product.lines_of("clock")),
            what="the log to name the file",
        )


def sees(client: httpx.Client, path: str, words: str) -> None:
    wait_until(lambda: words in client.get(path).text, timeout=NOTICED, what=f"{words} on {path}")
