"""Programs of effects in memory: what they wait for, do, keep and refuse."""

from typing import Any

import pytest

from procedures.engine import Context, DefinitionError, Limits, Retry
from procedures.testing import Answer, RehearsedRun, crash_test, run_procedure, script
from programs.agents import Tool
from programs.effects import (
    Effect,
    EffectOutcome,
    EffectType,
    RunState,
    StepPlan,
    WaitReason,
    WaitState,
    WorkflowSpec,
    as_procedure,
)
from programs.effects.agents import llm_call, tool_calls
from programs.effects.names import engine_name, procedure_name
from tests.procedures.agents import offline
from tests.programs.effects.flows import done, node, of, one, tell


@pytest.fixture(autouse=True)
def nothing_done() -> None:
    done.clear()


def run(program: WorkflowSpec, people: Any = None, **options: Any) -> RehearsedRun:
    values = options.pop("values", {})
    made = as_procedure(program, **options)
    return run_procedure(made, {"vars": values}, humans=script(people or {}))


def got(program: WorkflowSpec, people: Any = None, **options: Any) -> Any:
    ended = run(program, people, **options)
    assert ended.error is None, ended.error
    return ended.result["got"]


def failure(program: WorkflowSpec, people: Any = None, **options: Any) -> str:
    ended = run(program, people, **options)
    assert ended.status == "failed"
    return str((ended.error or {})["message"])


def test_a_question_takes_free_text_and_the_answer_comes_under_a_dotted_key() -> None:
    program = of(start=node("ask_user", {"prompt": "Name?\nAs on the badge."}, "of.name"))

    ended = run(program, {"Name?": Answer("Ann", by="ann")}, values={"of": {"age": 7}})

    assert ended.result == {"of": {"age": 7, "name": {"response": "Ann", "responder": "ann"}}}
    question = ended.asked[0].question
    assert question
    assert (question.prompt, question.body) == ("Name?", "As on the badge.")


def test_an_answer_outside_the_choices_is_refused_when_it_is_given() -> None:
    asked = {"prompt": "Which?", "choices": ["a", "b"]}
    strict = one("ask_user", {**asked, "allow_free_text": False})

    refused = run(strict, {"Which?": "c"})

    assert refused.result is None
    assert refused.refused[0].message == "Choose one of: a, b."
    assert got(strict, {"Which?": "b"})["response"] == "b"
    assert got(one("ask_user", asked), {"Which?": "c"})["response"] == "c"


def test_an_event_is_waited_for_by_its_key_and_its_payload_is_kept_as_it_is() -> None:
    program = of(start=node("wait_event", {"wait_key": "evt:50%", "resume_to_node": "end"}, "got"))

    assert got(program, {"evt%3A50%25": {"answer": "world"}}) == {"answer": "world"}


def test_a_time_is_waited_for_and_one_that_has_passed_is_not() -> None:
    later = run(one("wait_until", {"until": "2099-01-01T00:00:00"}))
    assert later.status == "failed"
    assert later.error
    assert "ten years" in later.error["message"]

    assert got(one("wait_until", {"until": "2001-01-01T00:00:00+00:00"}))["ready"] is True


def test_a_loop_does_its_effect_once_a_turn_however_often_its_worker_is_killed() -> None:
    def turn(run: RunState, ctx: Any) -> StepPlan:
        count = run.vars["count"] = run.vars.get("count", 0) + 1
        if count > 3:
            return StepPlan("turn", complete_output={"count": count, "last": run.vars["llm"]})
        return StepPlan("turn", Effect("llm_call", {"prompt": "same"}, "llm"), "turn")

    made = as_procedure(of(turn=turn), {EffectType.LLM_CALL: tell})

    def outcome(ended: RehearsedRun) -> Any:
        return ended.status, ended.result, list(dict.fromkeys(done))

    crash_test(made, fresh=done.clear, outcome=outcome)

    done.clear()
    assert run_procedure(made).result == {"count": 4, "last": {"content": "same", "attempt": 1}}
    assert len(set(done)) == 3


def test_more_than_a_hundred_nodes_go_on() -> None:
    def count(run: RunState, ctx: Any) -> StepPlan:
        run.vars["got"] = run.vars.get("got", 0) + 1
        return StepPlan("count", next_node="end" if run.vars["got"] == 120 else "count")

    assert got(of(count=count)) == 120


def test_every_wait_survives_a_worker_killed_at_every_commit() -> None:
    program = of(
        ask=node("ask_user", {"prompt": "Name?"}, "name", "event"),
        event=node("wait_event", {"name": "paid"}, "paid", "sleep"),
        sleep=node("wait_until", {"until": "2001-01-01"}, "woken", "call"),
        call=node("llm_call", {"prompt": "Hi"}, "llm", "child"),
        child=node("start_subworkflow", {"workflow_id": "sub", "vars": {"a": 1}}, "sub"),
    )
    sub = as_procedure(one("ask_user", {"prompt": "Below?"}), name="sub")
    made = as_procedure(program, {"llm_call": tell}, workflows={"sub": sub})

    report = crash_test(made, humans=script({"Name?": "Ann", "paid": 7, "Below?": "yes"}))

    result = report.undisturbed.result
    assert result["name"]["response"] == "Ann"
    assert result["paid"] == 7
    assert result["sub"]["output"]["got"]["response"] == "yes"


def test_a_run_that_is_not_waited_for_hears_events_and_goes_on_by_itself() -> None:
    def hear(run: RunState, ctx: Any) -> StepPlan:
        assert run.vars["got"]["emitter"]["node_id"] == "tell"
        heard.append(run.vars["got"]["payload"])
        return StepPlan("hear", next_node="end")

    heard: list[Any] = []
    listens = of(start=node("wait_event", {"name": "news"}, "got", "hear"), hear=hear)
    listener = as_procedure(listens, name="listener")
    program = of(
        start=node("start_subworkflow", {"workflow_id": "listener", "async": True}, "sub", "tell"),
        tell=node("emit_event", {"name": "news", "payload": {"n": 1}}, "told"),
    )

    ended = run(program, workflows={"listener": listener})

    child = ended.result["sub"]["sub_run_id"]
    assert ended.result["sub"] == {"sub_run_id": child, "async": True}
    assert ended.result["told"]["delivered_to"] == [child]
    assert heard == [{"n": 1}]
    assert "scope" in failure(one("emit_event", {"name": "news", "scope": "global"}))


def test_a_child_that_fails_fails_the_run_and_says_why() -> None:
    def break_down(run: RunState, ctx: Any) -> StepPlan:
        raise ValueError("out of paper")

    child = as_procedure(of(start=break_down), name="printing")
    starts = one("start_subworkflow", {"workflow_id": "printing"})

    assert "out of paper" in failure(starts, workflows={"printing": child})
    assert "'missing' was not found" in failure(
        one("start_subworkflow", {"workflow_id": "missing"})
    )


def test_what_a_node_changes_in_nested_values_is_kept_and_what_it_removes_is_gone() -> None:
    def change(run: RunState, ctx: Any) -> StepPlan:
        run.vars["list"].append(ctx.now_iso()[:2])
        del run.vars["old"]
        return StepPlan("change", next_node="end")

    ended = run(of(change=change), values={"list": ["a"], "old": 1, "same": 2})

    assert ended.result == {"list": ["a", "20"], "same": 2}


class Often:
    """A policy in the manner of AbstractRuntime."""

    def max_attempts(self, effect: Any) -> int:
        return 3 if effect.type == EffectType.LLM_CALL else 1

    def backoff_seconds(self, *, effect: Any, attempt: int) -> float:
        return 60.0 * 2.0 ** (attempt - 1)


def test_a_handler_is_tried_as_often_as_the_policy_or_the_options_say() -> None:
    def third(run: RunState, effect: Effect, after: str | None) -> EffectOutcome:
        done.append(run.idempotency_key)
        if run.attempt < 3:
            return EffectOutcome.failed("busy")
        return EffectOutcome.completed({"after": after})

    program = one("llm_call", {"prompt": "Hi"})
    assert got(program, effects={"llm_call": third}, policy=Often()) == {"after": "end"}
    assert (len(done), len(set(done))) == (3, 1)

    retry = {"llm_call": {"retry": Retry(2)}}
    assert "busy" in failure(program, effects={"llm_call": third}, options=retry)


def test_a_handler_can_wait_for_people_and_for_events() -> None:
    def hand_over(run: RunState, effect: Effect) -> EffectOutcome:
        wait = WaitState(WaitReason(effect.payload["reason"]), "job:1", resume_to_node="end")
        wait.prompt, wait.choices = "Done?", ["yes", "no"]
        return EffectOutcome.waiting(wait)

    effects = {"tool_calls": hand_over}
    by_people = one("tool_calls", {"reason": "user"})
    assert got(by_people, {"Done?": "yes"}, effects=effects)["response"] == "yes"
    by_job = one("tool_calls", {"reason": "job"})
    assert got(by_job, {"job%3A1": {"results": [1]}}, effects=effects) == {"results": [1]}


def test_a_question_that_nobody_answers_counts_as_its_default_and_says_so() -> None:
    options = {"ask_user": {"expires": "1h", "default": "nobody"}}

    answer = got(one("ask_user", {"prompt": "Who?"}), {"Who?": None}, options=options)

    assert answer == {"response": "nobody", "timed_out": True}


def test_an_operator_changes_the_limits_of_one_run_while_it_waits() -> None:
    def turn(run: RunState, ctx: Any) -> StepPlan:
        limits = run.vars["_limits"]
        limits["current_iteration"] += 1
        if limits["current_iteration"] >= limits["max_iterations"]:
            return StepPlan("turn", complete_output=limits)
        return StepPlan("turn", Effect("ask_user", {"prompt": "Go on?"}), "turn")

    values = {"_limits": {"max_iterations": 3, "current_iteration": 0}}
    changes = iter([Answer({"max_iterations": 2, "unknown": 1}, after="30s")])
    people = {"Go on?": Answer("yes", after="1m"), "limits": lambda asked: next(changes, None)}

    ended = run(of(turn=turn), people, values=values)

    assert ended.result == {"max_iterations": 2, "current_iteration": 2}


def test_tools_of_agents_ask_people_first_and_each_call_is_a_step() -> None:
    calls = [{"name": "pay_back", "arguments": {"amount": 5}, "call_id": "c1"}]
    tools = tool_calls([Tool(pay_for, name="pay_back", needs="approval")])

    ended = run(
        one("tool_calls", {"tool_calls": calls}), {"May program*": True}, effects=tools_of(tools)
    )

    [result] = ended.result["got"]["results"]
    assert result == {
        "call_id": "c1",
        "name": "pay_back",
        "success": True,
        "output": "paid 5",
        "error": None,
    }
    assert "pay_back" in ended.steps
    refused = run(
        one("tool_calls", {"tool_calls": calls}), {"May program*": False}, effects=tools_of(tools)
    )
    assert refused.result["got"]["results"][0]["success"] is False


def pay_for(amount: int) -> str:
    """Pay back an amount."""
    return f"paid {amount}"


def tools_of(handler: Any) -> dict[str, Any]:
    return {"tool_calls": handler}


def test_a_model_of_agents_answers_in_a_step() -> None:
    messages = [{"role": "system", "content": "Short."}, {"role": "assistant", "content": "Yes?"}]
    program = one("llm_call", {"prompt": "Hi", "messages": messages, "params": {"seed": 1}})

    answer = got(program, effects={"llm_call": llm_call(offline)})

    assert answer["content"]
    assert answer["usage"]["total_tokens"] > 0
    assert "needs 'prompt' or 'messages'" in failure(
        one("llm_call"), effects={"llm_call": llm_call(offline)}
    )


def test_a_program_that_cannot_work_is_refused_when_it_is_made() -> None:
    for program, words in (
        (
            WorkflowSpec("odd", "gone", {}),
            "entry_node names 'gone', which isn't one of its nodes. It has",
        ),
        (WorkflowSpec("odd", "a", {"a": 1}), "isn't a function"),  # type: ignore[dict-item]
        ("odd", "needs the attributes .workflow_id."),
    ):
        with pytest.raises(DefinitionError, match=words):
            as_procedure(program)
    with pytest.raises(DefinitionError, match="can't have the option 'retry'"):
        as_procedure(one("ask_user"), options={"ask_user": {"retry": 3}})
    with pytest.raises(DefinitionError, match="neither a node nor an effect"):
        as_procedure(one("ask_user"), options={"llm_call": {"retry": 3}})
    with pytest.raises(DefinitionError, match="isn't a function"):
        as_procedure(one("llm_call"), {"llm_call": 1})  # type: ignore[dict-item]


def test_a_plan_that_leads_nowhere_fails_the_run_in_words() -> None:
    assert "The program has no handler for the effect llm_call" in failure(one("llm_call"))
    assert "no next_node" in failure(of(start=node(after="")))
    assert "has no node 'gone'" in failure(of(start=node(after="gone")))
    assert "must return a plan" in failure(of(start=lambda run, ctx: None))
    assert "The effect ask_user needs 'prompt' in its payload" in failure(one("ask_user"))
    assert "isn't a time in ISO format" in failure(one("wait_until", {"until": "soon"}))


def test_a_run_can_start_with_typed_values_and_knows_who_it_is_for() -> None:
    def look(run: RunState, ctx: Any) -> StepPlan:
        return StepPlan("look", complete_output={"n": run.vars["n"] + 1, "for": run.actor_id})

    made = as_procedure(of(look=look), inputs={"n": (int, 1)})

    assert run_procedure(made).result["n"] == 2
    named = as_procedure(of(look=look))
    assert run_procedure(named, {"vars": {"n": 1}, "actor_id": "ar_1"}).result["for"] == "ar_1"


def test_names_that_the_engine_does_not_take_are_written_in_another_way() -> None:
    keys = ["evt:hello", "evt%3Ahello", "a/b#c", "x" * 81, "x" * 82]

    for key in keys:
        assert got(one("wait_event", {"wait_key": key}), {engine_name(key): 7}) == 7
    assert len({engine_name(key) for key in keys}) == len(keys)
    assert procedure_name("1st flow!") == "_1st_flow_"


def test_a_handler_between_steps_uses_the_context() -> None:
    def vote(ctx: Context, run: RunState, payload: Any) -> int:
        return sum(bool(ctx.approve(f"{who}?")) for who in payload["who"])

    program = one("vote", {"who": ["Ann", "Bob"]})

    assert got(program, {"Ann?": True, "Bob?": False}, effects={"vote": vote}) == 1


def test_the_options_of_a_program_are_those_of_its_procedure() -> None:
    made = as_procedure(
        of(start=node()),
        title="Try it",
        doc="Does nothing.",
        subject="For {who}",
        module="shop.programs",
        inputs={"who": (str, "Ann")},
        roles={"start": "support"},
        limits=Limits(steps=7),
    )

    assert (made.title, made.doc, made.fn.__module__) == (
        "Try it",
        "Does nothing.",
        "shop.programs",
    )
    assert (made.roles, made.limits.steps) == ({"start": ("support",)}, 7)
    assert run_procedure(made).subject == "For Ann"


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (StepPlan("start", 7), "returned the effect 7, which needs the attributes 'type'"),  # type: ignore[arg-type]
        (StepPlan("start", Effect("ask_user", [1])), "the payload [1], which isn't a map"),  # type: ignore[arg-type]
        (StepPlan("start", Effect("ask_user", {}, 7)), "the result_key 7, which isn't a"),  # type: ignore[arg-type]
        (StepPlan("start", complete_output=[1]), "the complete_output [1], which isn't"),  # type: ignore[arg-type]
        (StepPlan("start", next_node=7), "the next_node 7, which isn't a name"),  # type: ignore[arg-type]
        (StepPlan("start", Effect("ask_user", {"prompt": [1]})), "prompt of the effect ask_user"),
        (
            StepPlan("start", Effect("ask_user", {"prompt": "x", "choices": "ab"})),
            "choices of the effect ask_user must be a list of strings, not 'ab'.",
        ),
        (
            StepPlan("start", Effect("ask_user", {"prompt": "x", "choices": [{}]})),
            "choices of the effect ask_user must be a list of strings, not [{}].",
        ),
    ],
)
def test_an_odd_plan_is_an_error_in_words(plan: StepPlan, words: str) -> None:
    assert words in failure(of(start=lambda run, ctx: plan))
