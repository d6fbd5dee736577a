"""The words of a command: what is one, and the fields of the start form that its words fill."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from dashboard.forms.commands import command_in, fill
from dashboard.forms.start import StartForm
from procedures import registry


def test_values_go_to_the_first_fields_that_take_them() -> None:
    definition = registry.find("named_in_every_way")
    assert definition

    def filled(words: str) -> Any:
        found = fill(StartForm(definition, by=User()), words)
        return found.texts, found.left

    assert filled("a 7 0.5 LARGE no") == (
        {"text": ["a"], "count": ["7"], "share": ["0.5"], "kind": ["large"], "is_open": [""]},
        [],
    )
    assert filled("“two words” share=0.1 KIND=small") == (
        {"text": ["two words"], "share": ["0.1"], "kind": ["small"]},
        [],
    )
    assert filled('text=x kind=huge "count=many"') == (
        {"text": ["x"], "note": ["count=many"]},
        ["kind=huge"],
    )
    assert filled('"a=b" amuont=5') == ({"text": ["a=b"]}, ["amuont=5"])
    assert filled('note="two words" text=“x=1”') == ({"note": ["two words"], "text": ["x=1"]}, [])
    assert filled('say 7" x 8"') == ({"text": ["say"], "note": ['7" x 8"']}, [])
    assert filled("a " * 5_000)[0]["note"] == [" ".join("a" * 4_999)]
    assert filled("What about 5 people") == (
        {"text": ["What"], "note": ["about"], "count": ["5"]},
        ["people"],
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("/refund 100", "refund"),
        (" \n/refund", "refund"),
        ("\u200f\u2066/refund", "refund"),
        ("／refund", "refund"),  # noqa: RUF001 (as a Japanese keyboard types it)
        ("/ refund", "refund"),
        ("\u2800\ufe0f\u3164/refund", "refund"),
        ("/refund\t100", "refund"),
        ("/refund\r\n100", "refund"),
        ("/", ""),
        ("//refund", None),
        ("1/2", None),
        ("http://example.com", None),
        ("", None),
    ],
)
def test_what_is_a_command(text: str, name: str | None) -> None:
    found = command_in(text)

    assert (found.name if found else None) == name
