"""Rows that nobody would write and a page must bear, as an older version may have stored them."""

import json
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User

from chat.models import HumanRequest, Message
from chat.models.session import Session
from procedures.engine.values import canonical
from procedures.models import Event, Head, Run
from procedures.models.clock import clock
from tests.pages import ask

PROMPT = "Pay “31.20 €” & more? " * 109_090
"""2.4 MB."""
NEWLINES = "\n" * 300_000
WORD = "m" * 1_000_000
MANY = {f"option <{number}>": f"Option “{number}” & more" for number in range(5_000)}
ROWS = [{"order": f"A-{number}", "amount": "31.20", "note": "<b>&"} for number in range(100_000)]
TABLE = f"|{'a|' * 2_000}\n|{'-|' * 2_000}\n" + "|\n" * 2_000
ALIKE, OTHERWISE = "a\n" * 800, "a\nb\n" * 400


def nested(levels: int) -> Any:
    value: Any = "deepest"
    for _ in range(levels):
        value = [value]
    return value


def grown(request: HumanRequest, *, prompt: str = "", **parts: Any) -> HumanRequest:
    """The question with these in the place of its own parts, in its row and in the journal."""
    question = {**canonical.plain(request.question), **parts}
    if "labels" in parts:
        question["schema"] = {"enum": list(parts["labels"])}
    request.prompt = question["prompt"] = prompt or request.prompt
    request.question = canonical.text_of(question)
    request.save(update_fields=["prompt", "question"])
    opened = Event.objects.get(run=request.wait.run_id, seq=request.wait.opened_seq)
    data = canonical.text_of({**opened.content, **question})
    Event.objects.filter(pk=opened.pk).update(data=data, name=request.prompt[:200])
    return request


def asked(by: User) -> list[HumanRequest]:
    """One of each."""
    return [
        *(grown(ask("approval", by=by), prompt=f"{number} {PROMPT}") for number in range(8)),
        grown(ask("approval", by=by), body=NEWLINES + WORD),
        grown(ask("approval", by=by), body=TABLE),
        grown(ask("approval", by=by), body="[" * 400_000),
        grown(ask("approval", by=by), labels={"true": PROMPT, "false": WORD}),
        grown(ask("approval", by=by), evidence=ROWS),
        grown(ask("approval", by=by), evidence={WORD: {"in": nested(300)}, "lines": list(MANY)}),
        grown(ask("approval", by=by), evidence={f"name {n}": n for n in range(50_000)}),
        grown(ask("choice", by=by), labels=MANY),
        grown(ask("review", by=by), draft=NEWLINES),
        grown(ask("review", by=by), draft=ALIKE),
        grown(ask("review", by=by), draft=PROMPT),
        grown(ask("text", by=by), evidence=WORD),
    ]


def told(run: Run, kind: str, text: str, *, count: int, author: User | None = None) -> None:
    """Add so many messages at the end of the session of a run."""
    session: Session = Message.objects.get(run=run, kind="run").session
    first, now = session.last_seq + 1, clock.now()
    Message.objects.bulk_create(
        Message(
            session=session,
            seq=first + number,
            kind=kind,
            author=author,
            run=None if author else run,
            text=text,
            at=now,
        )
        for number in range(count)
    )
    Session.objects.filter(pk=session.pk).update(last_seq=first + count)


def journaled(run: Run, kind: str, contents: list[dict[str, Any]], key: str = "work") -> None:
    """Events at the end of a journal; their marks prove nothing."""
    first, now = Head.objects.get(run=run).seq + 1, clock.now()
    Event.objects.bulk_create(
        Event(
            run=run,
            seq=first + number,
            kind=kind,
            key=f"{key}#{number + 2}",
            name=key,
            data=json.dumps(content),
            at=now + timedelta(milliseconds=number),
            hash="0" * 64,
        )
        for number, content in enumerate(contents)
    )
    Head.objects.filter(run=run).update(seq=first + len(contents) - 1)


def step(number: int, result: Any) -> dict[str, Any]:
    at = clock.now().isoformat()
    return {"attempt": number, "started_at": at, "arguments": "0", "result": result}


def failed(number: int) -> dict[str, Any]:
    told = {"type": "ValueError", "message": WORD[:2_000], "traceback": PROMPT[:8_000]}
    again = {"final": False, "retry_at": clock.now().isoformat()}
    plain = step(number, None)
    del plain["result"]
    return {**plain, **told, **again}
