"""Procedures in YAML files with Lua code."""

import pytest

from procedures.engine import Procedure, ProcedureFileError
from procedures.testing import (
    Answer,
    RehearsedRun,
    approve_all,
    crash_test,
    run_procedure,
    script,
    silent,
)
from programs.lua import read_plexus
from programs.lua.primitives import options
from tests.programs.lua.shown import people, text_of

ORDER = {"number": "A-7", "lines": ["a", "b"]}


def read(code: str, more: str = "") -> Procedure:
    """A file with that code, which begins at its second line."""
    indented = code.replace("\n", "\n  ")
    [found] = read_plexus("small.yaml", f"code: |\n  {indented}\nname: small\n{more}")
    return found


def order() -> Procedure:
    return read_plexus("order.yaml", text_of("order.yaml"))[-1]


@pytest.fixture(scope="module")
def ordered() -> RehearsedRun:
    return run_procedure(order(), ORDER, humans=people)


def test_every_primitive_does_what_it_says(ordered: RehearsedRun) -> None:
    assert ordered.error is None
    seen = ordered.result.pop("seen")
    assert ordered.result == {"status": "paid", "decision": "Send", "sum": 31, "parts": []}
    assert seen.pop("impatient")[0] is False
    assert seen == {
        "absent": "nothing",
        "all": 90,
        "cancelled": [True, False],
        "checkpoint": [True, 62, False],
        "cleared": False,
        "complete": [True, True],
        "delays": [1, 3],
        "failed": [False, "order.weigh#4 failed: order.yaml:46: Too heavy."],
        "file": [True, False, 38],
        "inner": 1,
        "json": "b",
        "luck": True,
        "paid": [True, False, "ann"],
        "people": ["Ulm", "r", "Send", "Bonn", "Good."],
        "price": 62,
        "retried": "on try 3",
        "session": [2, "Where is it?"],
        "stages": ["paid", True, 3, "received"],
        "state": ["note=kept", "parts=2", "sum=31"],
        "status": "PENDING",
        "time": "2026-01-05",
        "winner": [True, 50],
    }


def test_people_see_questions_messages_and_stages(ordered: RehearsedRun) -> None:
    asked = {one.prompt: one.question for one in ordered.asked if one.question}
    assert list(asked) == [
        *("Is 62 right?", "Which city?", "Which colour?", "The letter", "Pay the order?"),
        "Where is the van?",
    ]
    assert asked["The letter"].body == "Please look."
    assert asked["Where is the van?"].evidence == {"van": 7}
    assert ordered.notices == [
        *("Received", "Late", "Details", "store: Little stock", "Assistant: On its way."),
    ]
    assert list(ordered.files) == ["order.json"]
    stages = [event.content for event in ordered.events if event.kind == "stage"]
    assert [one["stage"] for one in stages] == ["received", "checked", "paid"]
    assert stages[0]["then"] == ["checked", "paid"]


@pytest.mark.soak
def test_it_ends_the_same_wherever_its_worker_is_killed() -> None:
    assert crash_test(order(), ORDER, humans=people).kills > 40


def test_the_file_makes_the_form_and_the_catalogue() -> None:
    weigh, whole = read_plexus("order.yaml", text_of("order.yaml"))
    assert (weigh.name, whole.name, whole.title) == ("order.weigh", "order", "Check an order")
    assert whole.roles == {"start": ("support",), "answer": ("finance",)}
    assert whole.doc.endswith("Stages: received → checked → paid.")
    fields = whole.schema["properties"]
    assert list(fields) == ["number", "amount", "urgency", "express", "lines", "address"]
    assert fields["urgency"]["enum"] == ["low", "high"]
    assert fields["number"]["description"] == "The number of the order"
    assert whole.schema["required"] == ["number"]


def test_a_guard_refuses_the_run() -> None:
    run = run_procedure(order(), {"number": "A-7", "amount": 2000})
    assert run.error
    assert run.error["message"] == "An order is at most 1000, not 2000."


OUTPUTS = "outputs: {n: {type: number, required: true}, k: {type: string, enum: [a, b]}}"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("return {n = 'x'}", "The output n must be of the type number, not 'x'."),
        ("return {}", "The output n is missing."),
        ("return {n = 1, k = 'c'}", "The output k must be one of a, b, not 'c'."),
        ("return 7", "The program must return a table with its outputs, not 7."),
    ],
)
def test_a_result_that_isnt_as_declared_is_an_error(code: str, words: str) -> None:
    run = run_procedure(read(code, OUTPUTS))
    assert run.error
    assert run.error["message"] == words


REFUSED: list[tuple[str, str, int]] = [
    ("local m = Model('x')", "Model isn't known. Trained models", 2),
    ("local a\nlocal c = Classify {name = 'x'}", "Classify isn't known.", 3),
    ("Corpus.search('x')", "Corpus isn't known.", 2),
    ("Retriever('x')", "Retriever isn't known.", 2),
    ("Human.aprove({message = 'x'})", "Human.aprove isn't supported. Did you mean approve?", 2),
    ("\n\nos.execute('ls')", "os.execute isn't supported.", 4),
    ("local f = io.open('x')", "io isn't known. Use File.read", 2),
    ("load('return 1')()", "load isn't known.", 2),
    ("require('socket')", "require isn't known.", 2),
    ("debug.getinfo(1)", "debug isn't known.", 2),
    ("greet('ann')", "greet isn't known.", 2),
    ("Human.approve('pay')", "The file declares no question named 'pay' in its `hitl`.", 2),
    ("local x = = 1", "unexpected symbol near '='.", 2),
    ("local x = 1\nif x then", "'end' expected (to close 'if' at line 3)", 4),
]


@pytest.mark.parametrize(("code", "words", "line"), REFUSED)
def test_what_isnt_offered_is_refused_with_its_line(code: str, words: str, line: int) -> None:
    with pytest.raises(ProcedureFileError) as refused:
        read(code)
    assert str(refused.value).startswith(words)
    assert refused.value.line == line


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        ("- a list", "The file must be a mapping", 1),
        ("name: x", "The file needs the key 'code'.", 1),
        ("code: return 1", "The file needs the key 'name'.", 1),
        ("name: x\ncode: return 1\ncolour: red", "Unknown key 'colour'.", 3),
        ("name: x\ncode: return 1\nparams:\n  a-b: {}", "Invalid name 'a-b' of the input", 4),
        ("name: x\ncode: return 1\nparams: {a: {type: date}}", "The input a has the type", 3),
        ("name: x\ncode: return 1\nparams: [a]", "params must be a mapping, not ['a'].", 3),
        ("name: x\ncode: return 1\nsubject: For {a}", "x: subject= names {a}", 3),
        ("name: x\ncode: return 1\nmax_depth: 0", "max_depth must be a whole number", 3),
        (
            "name: x\ncode: return 1\nroles: {cook: y}",
            "roles can't have 'cook'. The roles are see, start",
            3,
        ),
        ("name: x\ncode: return 1\ndependencies:\n  tools: [web]", "Tools aren't supported", 4),
        ("name: x\nagents: {worker: {}}\ncode: |\n  Worker.turn()", "The agent Worker can't", 4),
        ("name: x\ncode: return 1\ncode: return 2", "The key 'code' is given twice.", 3),
        ("name: x\nprompts:\n  a: &a [x]\n  b: [*a, *a]\ncode: x", "Anchors and aliases", 3),
        ("name: !!python/name:os.system x\ncode: x", "The tag tag:yaml.org", 1),
        (f"name: x\nparams: {'[' * 500}", "The file is nested more than 30 levels deep.", 2),
        ("name: x\ncode: [", "The file isn't valid YAML: expected the node content", 2),
        ("name: x\ncode: x\nprocedures: [a]", "procedures must be a mapping, not ['a'].", 3),
        ("name: x\ncode: x\nhitl: {pay: now}", "hitl.pay must be a mapping, not 'now'.", 3),
        (
            "name: x\ncode: x\nguards: return 1",
            "guards must be a list of strings, not 'return 1'.",
            3,
        ),
        (
            "name: x\ncode: x\nstages: [yes, no]",
            "stages must be a list of strings. Write True in quotes.",
            3,
        ),
        ("name: x\ncode: x\ndependencies: [a]", "dependencies must be a mapping, not ['a'].", 3),
        ("name: x\ncode: return 1\nparams:\n  ctx: string", "Invalid name 'ctx' of the input", 4),
        ("name: x\ncode: x\nparams: {a: {type: [b]}}", "The input a has the type ['b'].", 3),
        ("name: x\ncode: x\nparams: {a: {enum: [yes]}}", "The enum of the input a has True", 3),
        ("name: x\ncode: x\nparams: {a: {enum: b}}", "The enum of the input a must be a list", 3),
        ("name: x\ncode: x\nparams: {a: {default: 7}}", "The default of the input a is 7", 3),
        ("name: x\ncode: x\nparams: {a: {type: number, default: .nan}}", "The default of the", 3),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(text: str, words: str, line: int) -> None:
    with pytest.raises(ProcedureFileError) as refused:
        read_plexus("small.yaml", text)
    assert str(refused.value).startswith(words)
    assert refused.value.line == line


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("Session.append('USER', ('x'):rep(5e6))", "The conversation has more than 4,000,000"),
        ("File.write('a', ('x'):rep(2e7)) File.write('b', 'x')", "All files of one run can have"),
        ("Json.decode('[NaN]')", "Json.decode can't read the text: NaN isn't JSON."),
    ],
)
def test_what_grows_outside_of_lua_has_limits_too(code: str, words: str) -> None:
    run = run_procedure(read(code))
    assert run.error
    assert words in run.error["message"]


def test_dates_and_words_such_as_on_are_names_and_texts() -> None:
    text = "name: x\nparams: {on: {default: 2024-01-02}}\ncode: return params.on"
    [found] = read_plexus("small.yaml", text)
    assert run_procedure(found).result == "2024-01-02"


def test_errors_name_the_file_and_the_line() -> None:
    run = run_procedure(read("local t\n\nreturn t.x"))
    assert run.error
    assert run.error["message"].startswith("small.yaml:4: attempt to index a nil value")


def test_what_a_program_defines_itself_is_fine() -> None:
    code = "function twice(n) return 2 * n end local Model = twice return Model(4) + twice(1)"
    assert run_procedure(read(code)).result == 10


# Where the seed loses answers, asks twice, or never stops

NESTED = """
return Step.run("outer", function()
  return Step.run("inner", function()
    return Human.approve({message = "Inside?"}) and "yes" or "no"
  end)
end)
"""


def test_a_question_in_a_nested_checkpoint_keeps_its_answer() -> None:
    report = crash_test(read(NESTED), humans=people)
    assert report.undisturbed.result == "yes"
    assert report.undisturbed.prompts == ["Inside?"]


FAMILY = """
procedures:
  ask:
    code: |
      return {who = select(3, Human.approve({message = "In the child?"}))}
"""


def test_a_question_in_a_sub_procedure_keeps_its_answer() -> None:
    indented = "name: small\ncode: return Procedure.run('ask').who\n"
    program = read_plexus("small.yaml", indented + FAMILY)[-1]
    report = crash_test(program, humans=people)
    assert report.undisturbed.result == "ann"


def test_state_logs_and_sleeps_count_once_over_replays() -> None:
    code = """
    for i = 1, 3 do
      State.increment("n")
      Log.info("Round " .. i)
      Sleep(60)
    end
    return State.get("n")
    """
    run = crash_test(read(code)).undisturbed
    assert run.result == 3
    logs = [event.content["text"] for event in run.events if event.kind == "log"]
    assert logs == ["Round 1", "Round 2", "Round 3"]
    assert run.took.total_seconds() == 180


def test_one_answer_answers_one_question() -> None:
    code = """
    local first = Human.approve({message = "Pay?"})
    local second = Human.approve({message = "Delete production?"})
    return {first, second}
    """
    humans = script({"Pay?": True, "Delete production?": False})
    assert run_procedure(read(code), humans=humans).result == [True, False]


def test_pcall_around_a_question_suspends() -> None:
    code = "local ok, yes = pcall(Human.approve, {message = 'Sure?'}) return {ok, yes}"
    assert run_procedure(read(code), humans=silent).status == "waiting"
    assert crash_test(read(code), humans=approve_all).undisturbed.result == [True, True]


TIMED = "Human.approve({message = 'Pay?', timeout = 60, default = true%s})"


def test_a_timeout_is_marked() -> None:
    code = f"local yes, timed_out, who = {TIMED % ''} return {{yes, timed_out, who}}"
    assert run_procedure(read(code), humans=silent).result == [True, True, ""]
    answered = run_procedure(read(code), humans=lambda _: Answer(value=False, by="ann"))
    assert answered.result == [False, False, "ann"]


def test_a_default_that_lua_takes_for_a_yes_is_an_error() -> None:
    code = "Human.approve({message = 'Pay?', timeout = 60, default = params.usual})"
    run = run_procedure(read(code, "params: {usual: string}\n"), {"usual": "no"})
    assert run.error
    assert "default of Human.approve must be true or false, not 'no'." in run.error["message"]


def test_a_default_may_be_a_comparison_that_begins_with_a_literal() -> None:
    code = "return Human.approve({message = 'Pay?', timeout = 60, default = 'gold' == params.tier})"
    program = read(code, "params: {tier: string}\n")
    assert run_procedure(program, {"tier": "gold"}, humans=silent).result is True
    assert run_procedure(program, {"tier": "tin"}, humans=silent).result is False


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("return Human.select({message = 'Which?'})", "A choice needs a list of options, not nil."),
        ("return Procedure.wait_all(true)", "needs a list of children, not true."),
        (
            "return Human.approve({on_timeout = true})",
            "must be one of default, error, retry, not true.",
        ),
    ],
)
def test_errors_show_values_as_lua_writes_them(code: str, words: str) -> None:
    run = run_procedure(read(code))
    assert run.error
    assert words in run.error["message"]


def test_tables_are_written_as_json_and_cells_as_lua_shows_them() -> None:
    code = "File.write('a.json', {b = {1, true}}) return File.read('a.json')"
    assert run_procedure(read(code)).result == '{"b": [1, true]}'
    assert [options.text_of(one) for one in (None, True, 3.0, 1e15, 7, [0.1], "x")] == [
        *("", "true", "3.0", "1e+15", "7", "[0.1]", "x"),
    ]


def test_a_timeout_may_be_an_error_or_ask_again() -> None:
    failed = run_procedure(read(TIMED % ", on_timeout = 'error'" + " return 1"), humans=silent)
    assert failed.error
    assert failed.error["message"] == "small.yaml:2: Nobody has answered in time: Pay?"
    late = iter([None, None, True])
    again = read("return " + TIMED % ", on_timeout = 'retry'")
    run = run_procedure(again, humans=lambda _: next(late))
    assert (run.result, len(run.asked)) == (True, 3)


def test_another_text_is_another_version() -> None:
    one, other = (read("return 1").of_text("a", text) for text in ("1", "2"))
    assert one.version != other.version
