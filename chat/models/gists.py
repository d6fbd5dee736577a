"""The gist of a question: the line below its prompt in lists."""

import re
from collections.abc import Mapping
from typing import Any

from procedures.engine.kinds.questions import Question
from procedures.engine.values.visible import visible_line

LONGEST, MOST_FACTS = 200, 4
MARKUP = re.compile(r"^\s*(#{1,6}|>|[-*+]|\d+[.)])\s+|[*_`~]{1,3}|!?\[|\]\([^)]*\)", re.MULTILINE)
PLAIN = (str, int, float)


def gist_of(question: Question) -> str:
    """Return the question's gist, as one line of plain text.

    The gist is the first line of the question's body, without Markdown. If there is no body, the
    gist is made of the first plain values of the evidence: "amount 100 · customer Acme".
    """
    lines = (MARKUP.sub("", line).strip() for line in question.body.splitlines()[:20])
    found = next(filter(None, lines), "") or " · ".join(_facts(question.evidence))
    text = visible_line(found)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _facts(evidence: Any) -> list[str]:
    if not isinstance(evidence, Mapping):
        return []
    plain = [
        f"{name.replace('_', ' ')} {value}"
        for name, value in evidence.items()
        if isinstance(value, PLAIN) and not isinstance(value, bool) and value != ""
    ]
    return plain[:MOST_FACTS]
