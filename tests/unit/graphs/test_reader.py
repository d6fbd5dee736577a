"""Graphs in YAML: what they can say, and what is refused with its line."""

import pytest

from procedures.engine import ProcedureFileError
from procedures.testing import crash_test, run_procedure, script
from programs.graphs.reader import read_graph
from tests.unit.graphs.flows import question_of

TEXT = """\
name: refund
title: Refund an order
doc: Refunds an order.
subject: Refund {order}
inputs:
  order: text
  amount: {type: number, default: 10}
  speed: {type: text, choices: [slow, fast], default: slow}
roles: {start: support, answer: finance}
steps:
  double:
    run: tests.unit.graphs.flows.double
    with: {amount: amount + 1}
    retry: 3
  audit: {timer: 3h}
  review:
    ask: "Refund {double} € for {order}?"
    description: At *{speed}* speed.
    show: [order]
    form:
      properties:
        ok: {type: boolean}
        why: {type: string}
    assign: finance
    expires: 2h
    default: {ok: false, why: ""}
    escalate: [[1h, managers]]
  paid: {signal: the bank}
  refuse: {ask: "Refuse?"}
  checks:
    parallel:
      one: {run: tests.unit.graphs.flows.add}
      two: {run: tests.unit.graphs.flows.Guarded}
  end: {gateway: every}
edges:
  - double -> review
  - double -> audit
  - review -> paid when review.ok
  - {from: review, to: refuse, when: not review.ok}
  - paid -> checks
  - checks -> end
  - refuse -> end
  - audit -> end
"""
YES = script({"review": {"ok": True, "why": "late"}, "paid": {"reference": 3}})


def test_a_graph_in_yaml_asks_waits_and_joins_wherever_its_worker_is_killed() -> None:
    refund = read_graph("flows/refund.yaml", TEXT)

    run = run_procedure(refund, {"order": "A-7"}, humans=YES)

    assert (refund.title, refund.doc, refund.roles["start"]) == (
        *("Refund an order", "Refunds an order."),
        ("support",),
    )
    assert (run.status, run.subject) == ("succeeded", "Refund A-7")
    assert run.asked[0].prompt == "Refund 22 € for A-7?"
    assert question_of(run).body == "At *slow* speed."
    assert run.result["paid"] == {"reference": 3}
    assert run.result["told"] == "two did it"
    crash_test(refund, {"order": "A-7"}, humans=YES)


def test_words_of_yaml_stay_what_they_look_like() -> None:
    text = "name: on\nsteps:\n  yes: {ask: 2024-01-01}\n  no: {ask: 'on'}\nedges: [yes -> no]\n"

    run = run_procedure(read_graph("x.yaml", text), humans=script({"approval": True}))

    assert run.prompts == ["2024-01-01", "on"]


def test_steps_of_a_group_have_the_names_that_the_file_gives_them() -> None:
    text = """
        name: paying
        steps:
          both:
            parallel:
              yours: {ask: "Yours?"}
              paid: {signal: the bank}
    """
    answers = script({"both.yours": True, "both.paid": 7})

    run = run_procedure(read_graph("x.yaml", text), humans=answers)

    assert run.result["both.paid"] == 7
    assert run.result["both.yours"]["approved"] is True


def test_a_graph_without_a_name_has_that_of_its_file() -> None:
    assert read_graph("flows/late.yaml", "steps: {a: {ask: 'Now?'}}").name == "late"


def test_a_value_without_a_name_is_its_own_name() -> None:
    form = "{properties: {size: {type: string, enum: [s, m], enumNames: [Small]}}}"
    made = read_graph("x.yaml", f"steps:\n  a: {{ask: 'How large?', form: {form}}}")

    run = run_procedure(made, humans=script({"form": {"size": "m"}}))

    assert run.result["a"]["size"] == "m"


WRONG = [
    ("expires: 2h", "expires: 2 parsecs", "  review:", "Invalid duration"),
    ("assign: finance", "asign: finance", "", "Did you mean 'assign'"),
    ("when review.ok", "when __import__('os')", "", "can call only"),
    ("when: not review.ok", "when: {a: b}", "", "must be a non-empty string"),
    ("paid -> checks", "paid -> cheks", "", "Did you mean 'checks'"),
    ("refuse -> end", "refuse => end", "", "An edge must be"),
    ("run: tests.unit.graphs.flows.double", "run: no.such.thing", "", "can't be imported"),
    ("run: tests.unit.graphs.flows.double", "run: os system", "", "must name a function"),
    ("run: tests.unit.graphs.flows.double", "run: [os]", "", "must name a function"),
    ("run: tests.unit.graphs.flows.double", "run: os.name", "", "neither a function nor"),
    ("with: {amount: amount + 1}", "with: {amont: amount}", "", "required argument"),
    ("with: {amount: amount + 1}", "with: {amount: open('x')}", "", "can call only"),
    ("retry: 3", "retry: {times: 3}", "", "times"),
    ("timer: 3h", "timer: later", "", "Invalid duration"),
    ("{signal: the bank}", "{signal: x, due: 1h}", "", "can't have 'due'"),
    ("ok: {type: boolean}", "ok: {type: bool}", "  review:", "must be one of the types"),
    ("default: {ok: false", "default: {nope: false", "  review:", "nope"),
    ("order: text", "order: string", "", "can be text"),
    ("{type: number, default: 10}", "{type: number, least: 1}", "", "can't have 'least'"),
    ("  paid: {signal: the bank}", "  paid: {signal: a, ask: b}", "", "exactly one of"),
    ("  paid: {signal: the bank}", "  paid: {}", "", "exactly one of"),
    ("  paid: {signal: the bank}", "  paid: [1]", "", "must be a mapping"),
    ("gateway: every", "gateway: some", "", 'A gateway must be "first"'),
    ("one: {run:", "one: {retry: 3, run:", "", "is in a group"),
    ("name: refund", "name: &x refund", "", "Anchors and aliases"),
    ("name: refund", "name: !!python/name:os.system x", "", "tag"),
    ("name: refund", "name: [", "doc:", "isn't valid YAML"),
    ("name: refund", "name: refund\nname: other", "name: other", "given twice"),
    ("name: refund", "nme: refund", "", "Did you mean 'name'"),
    ("retry: 3", "timeout: soon", "  double:", "Invalid duration 'soon'"),
    ("retry: 3", "once: maybe", "  double:", "must be True or False"),
    ("{signal: the bank}", "{signal: x, expires: soon}", "", "Invalid duration 'soon'"),
    ("{signal: the bank}", "{signal: x, default: 1}", "", "needs expires= too"),
    ("[[1h, managers]]", "[1h]", "  review:", "escalate"),
    ("[[1h, managers]]", "[5]", "  review:", "escalate= must be a list of pairs"),
    (
        "ok: {type: boolean}",
        "ok: {enum: [a], enumNames: 5}",
        "  review:",
        "enum and enumNames of a form must be",
    ),
    ("name: refund", "ends: [[a]]", "", "ends must be a list of names, not [['a']]."),
    ("name: refund", "ends: double", "", "ends must be a list of names, not 'double'."),
    ("{from: review, to: refuse", "{from: [review], to: refuse", "", "There is no step"),
    ("run: tests.unit.graphs.flows.double", "run: builtins.int.x", "", "be imported"),
    ("choices: [slow, fast]", "choices: fast", "", "must be a list of strings"),
    ("order: text", "class: text", "", "Invalid name 'class' of an input"),
    ("name: refund", "start: nowhere", "edges:", "start= names 'nowhere'"),
]
"""A replaced text, its replacement, the beginning of the line that is named, and the message."""


@pytest.mark.parametrize(
    ("old", "new", "at", "words"), WRONG, ids=[f"{n}-{one[3]}" for n, one in enumerate(WRONG)]
)
def test_what_can_not_work_is_refused_with_its_line(
    old: str, new: str, at: str, words: str
) -> None:
    assert old in TEXT
    text = TEXT.replace(old, new, 1)
    [line, *_] = [n for n, one in enumerate(text.splitlines(), 1) if (at or new) in one]

    with pytest.raises(ProcedureFileError) as caught:
        read_graph("x.yaml", text)

    assert words in str(caught.value)
    assert caught.value.line == line


@pytest.mark.parametrize(
    "text",
    ["", "[1, 2]", "just words", "? [a]\n: b", "[" * 5000, "a: " * 400, "\tname: x", "a: *b"],
    ids=lambda text: text[:12],
)
def test_what_is_no_graph_at_all_is_refused(text: str) -> None:
    with pytest.raises(ProcedureFileError):
        read_graph("x.yaml", text)
