"""The command `countersign`: start runs, ask people and answer requests in a terminal.

The environment variable COUNTERSIGN_URL holds the address of the site, and COUNTERSIGN_TOKEN an API
token. The token is no argument, because other users of a machine can read arguments.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any, TextIO
from unicodedata import category

from countersign_client.client import Client
from countersign_client.errors import CountersignError
from countersign_client.files import File
from countersign_client.results.requests import Request
from countersign_client.results.runs import Run

OK, REFUSED, NO = 0, 1, 3
"""The exit codes for success, for an error or refusal, and for a failed run or negative answer."""
YOURS = ("mine", "groups")
"""The tabs of the inbox with requests that ask the user by name, or through a group."""
YES_OR_NO = {"yes": True, "no": False}
ANSWERED = {"approved", "answered", "edited"}
"""The outcomes of a question with which `ask --wait` succeeds."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command, and return its exit code."""
    parser = _parser()
    given = parser.parse_args(arguments)
    address, token = (os.environ.get(f"COUNTERSIGN_{name}", "") for name in ("URL", "TOKEN"))
    if not (address and token):
        parser.error("Set COUNTERSIGN_URL to the site's address, and COUNTERSIGN_TOKEN to a token.")
    try:
        with Client(address, token) as client:
            code: int = given.run(client, given)
            return code
    except (CountersignError, OSError) as error:
        _say(str(error), sys.stderr)
        return REFUSED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="countersign", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for run, (words, *arguments) in COMMANDS.items():
        name = run.__name__.removeprefix("_")
        found = commands.add_parser(name, help=words, description=f"{words}.")
        for names, options in (*arguments, JSON):
            found.add_argument(*names, **options)
        found.set_defaults(run=run)
    return parser


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not (name and sign):
        raise argparse.ArgumentTypeError(f"{text!r} isn't NAME=VALUE")
    return name, value


# Runs


def _procedures(client: Client, args: argparse.Namespace) -> int:
    rows = ((one.name, one.title) for one in _all(client.list_procedures))
    return _list(args, rows, ("name", "title"))


def _start(client: Client, args: argparse.Namespace) -> int:
    schema = client.get_procedure(args.procedure).inputs or {}
    properties = schema.get("properties", {})
    inputs = {name: value_of(text, properties.get(name, {})) for name, text in args.inputs}
    files: dict[str, Any] = {name: File.load(path) for name, path in args.file}
    run = client.start_run(args.procedure, inputs, key=args.key, files=files)
    return _ended(client, run, args)


def _runs(client: Client, args: argparse.Namespace) -> int:
    page = client.list_runs(status=args.status, procedure=args.procedure)
    rows = ((one.id, one.status, one.subject or one.title) for one in page.items)
    return _list(args, rows, ("id", "status", "title"))


def _run(client: Client, args: argparse.Namespace) -> int:
    return _ended(client, client.get_run(args.id), args)


def _cancel(client: Client, args: argparse.Namespace) -> int:
    return _ended(client, client.cancel_run(args.id, args.reason), args)


def _ended(client: Client, run: Run, args: argparse.Namespace) -> int:
    """Print a run and return the exit code. With `--wait`, wait for the end of the run first."""
    waits = getattr(args, "wait", False)
    if waits and not run.is_over:
        run = client.wait_for_end(run.id, timeout=args.timeout)
    result = run.result if run.result_at is None else client.get_result(run.id)
    if args.json:
        _print_json({**asdict(run), "result": result})
    else:
        _say(f"{run.id}  {run.status}  {run.subject or run.title}")
        for one in run.requests:
            _say(f"  waits for an answer: {one.prompt} ({one.id})")
        if run.status == "succeeded" and result is not None:
            _say(result if isinstance(result, str) else _json(result))
        if run.error:
            _say(f"{run.error.type}: {run.error.message}", sys.stderr)
    return NO if waits and run.status != "succeeded" else OK


# Requests


def _inbox(client: Client, args: argparse.Namespace) -> int:
    tabs = [args.tab] if args.tab else YOURS
    listed = (_all(partial(client.list_inbox, tab=tab)) for tab in tabs)
    found = {one.id: one for one in chain.from_iterable(listed)}
    rows = ((one.id, one.kind, one.prompt) for one in found.values())
    return _list(args, rows, ("id", "kind", "prompt"))


def _request(client: Client, args: argparse.Namespace) -> int:
    request = client.get_request(args.id)
    if args.json:
        _print_json(request)
        return OK
    _say(f"{request.prompt}\n{request.status}, asked of {', '.join(request.assigned) or 'nobody'}")
    for text in filter(None, (request.body, request.draft)):
        _say(f"\n{text}")
    if request.evidence is not None:
        _say(f"\n{_json(request.evidence)}")
    if request.labels:
        _say(f"\nAnswers: {', '.join(request.labels.values())}")
    _say(f"\n{request.silence}")
    return OK


def _answer(client: Client, args: argparse.Namespace) -> int:
    request = client.get_request(args.id)
    value = answer_for(request, args.value)
    response = client.answer_request(args.id, value, comment=args.comment)
    if args.json:
        _print_json(response)
    else:
        _say(f"Answered: {_json(response.value)}")
    return OK


def _ask(client: Client, args: argparse.Namespace) -> int:
    question = client.ask(
        args.subject, body=args.body, to=args.to, options=args.option or None, key=args.key
    )
    if not args.wait:
        _say(_json({"id": question.id}) if args.json else question.id)
        return OK
    answer = question.wait(timeout=args.timeout)
    if args.json:
        _print_json(answer)
    else:
        columns = [answer.outcome, _json(answer.value), answer.responder, answer.comment]
        _say("  ".join(filter(None, columns)))
    return OK if answer.outcome in ANSWERED else NO


def answer_for(request: Request, text: str) -> Any:
    """Return the value to send as the answer to a request if somebody has typed this text.

    The text can be a label of the request, such as "Approve", or a decision. Any other text is read
    by `value_of`.
    """
    named = [value for value, label in request.labels.items() if _alike(label, text)]
    text = named[0] if len(named) == 1 else text
    decision = request.schema.get("properties", {}).get("decision", {})
    if text in decision.get("enum", ()):
        return {"decision": text}
    return value_of(text, request.schema)


def value_of(text: str, schema: Mapping[str, Any]) -> Any:
    """Return the value that a text stands for, in a field with this JSON Schema.

    If the field holds a string, the value is the text. Otherwise "yes" and "no" are True and False,
    other text is read as JSON, and text that isn't JSON is the value itself.
    """
    if schema.get("type") == "string" or text in schema.get("enum", ()):
        return text
    word = YES_OR_NO.get(text.casefold())
    if word is not None:
        return word
    try:
        return json.loads(text)
    except ValueError:
        return text


def _alike(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


# Printing


def _all(page_of: Callable[..., Any]) -> Iterable[Any]:
    """Yield the items of all pages of a list; `page_of(after=…)` returns one page."""
    after = None
    while True:
        page = page_of(after=after)
        yield from page.items
        after = page.next
        if after is None:
            return


def _list(args: argparse.Namespace, rows: Iterable[Sequence[str]], names: Sequence[str]) -> int:
    if args.json:
        _print_json([dict(zip(names, row, strict=True)) for row in rows])
    else:
        for row in rows:
            _say("  ".join(row))
    return OK


def _print_json(value: Any) -> None:
    _say(_json(asdict(value) if is_dataclass(value) and not isinstance(value, type) else value))


def _say(text: str, stream: TextIO | None = None) -> None:
    """Print a text; control characters in it are written out, so that none drives a terminal."""
    shown = "".join(_visible(one) for one in text)
    (stream or sys.stdout).write(f"{shown}\n")


def _visible(character: str) -> str:
    is_control = category(character) in {"Cc", "Cf"} and character not in "\n\t"
    return character.encode("unicode_escape").decode() if is_control else character


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


Argument = tuple[tuple[str, ...], dict[str, Any]]
JSON: Argument = ("--json",), {"action": "store_true", "help": "print JSON"}
ID: Argument = ("id",), {}
KEY: Argument = ("--key",), {"default": "", "help": "the same key again does nothing twice"}
WAIT: tuple[Argument, Argument] = (
    (("--wait",), {"action": "store_true", "help": "wait until it has ended"}),
    (("--timeout",), {"type": float, "metavar": "SECONDS", "help": "wait no longer than this"}),
)
COMMANDS: dict[Callable[[Client, argparse.Namespace], int], tuple[Any, ...]] = {
    _procedures: ("List the procedures that you may see",),
    _start: (
        "Start a run",
        (("procedure",), {}),
        (("inputs",), {"nargs": "*", "metavar": "NAME=VALUE", "type": _pair}),
        (("--file",), {"action": "append", "default": [], "metavar": "NAME=PATH", "type": _pair}),
        KEY,
        *WAIT,
    ),
    _runs: (
        "List runs, newest first",
        (("--status",), {"help": "such as waiting or failed"}),
        (("--procedure",), {"help": "the name of a procedure"}),
    ),
    _run: ("Show a run", ID, *WAIT),
    _cancel: ("Cancel a run", ID, (("reason",), {})),
    _inbox: (
        "List the requests that wait for you or your groups, most urgent first",
        (("--tab",), {"help": "only mine, groups, unclaimed, snoozed or done"}),
    ),
    _request: ("Show a request", ID),
    _answer: (
        "Answer a request",
        ID,
        (("value",), {"help": 'a label, "yes", "no", a text, or JSON'}),
        (("--comment",), {"default": ""}),
    ),
    _ask: (
        "Ask people a question",
        (("subject",), {}),
        (("--body",), {"default": "", "help": "Markdown"}),
        (("--to",), {"action": "append", "default": [], "help": 'a group or "@name"; repeatable'}),
        (("--option",), {"action": "append", "default": [], "help": "an option; repeatable"}),
        KEY,
        *WAIT,
    ),
}
"""The commands, each with its description and its arguments."""
