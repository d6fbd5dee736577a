"""Graphs as runs walk through them, in memory and with the worker killed at every commit."""

from datetime import timedelta
from typing import Any

import pytest

from procedures.engine import InputError, Retry
from procedures.testing import Answer, approve_all, crash_test, run_procedure, script, silent
from programs.graphs import Ask, Chain, Gateway, GraphContext, Parallel, Signal, Wait, graph
from tests.unit.graphs.flows import Guarded, add, done, nothing, of, question_of, setting


@pytest.fixture(autouse=True)
def _forget() -> None:
    done.clear()


def kept(run: Any, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """The data with which a run has ended, without what steps return that return nothing."""
    assert run.status == "succeeded", run.journal
    return {
        name: one for name, one in run.result.items() if one is not None and name not in without
    }


def test_after_a_question_the_run_continues_and_knows_who_answered() -> None:
    def pay(context: GraphContext) -> str:
        asked = context.get_last_execution("review")
        assert asked
        return f"{context.get('amount')} paid, said {asked.user_id} ({context.user_id})"

    flow = graph(
        "refund",
        steps={"check": add, "review": Ask("Refund {amount} €?", show=["order"]), "pay": pay},
        edges=[("check", "review"), ("review", "pay", "review.approved")],
        inputs={"order": str, "amount": float},
        options={"review": {"assign": "finance"}, "pay": {"retry": Retry(3)}},
    )
    inputs = {"order": "A-7", "amount": 31}

    run = run_procedure(flow, inputs, humans=script({"review": Answer(value=True, by="ann")}))

    assert run.prompts == ["Refund 31 €?"]
    assert question_of(run).evidence == {"order": "A-7"}
    assert kept(run)["pay"] == "31.0 paid, said ann (ann)"
    assert crash_test(flow, inputs, humans=approve_all).kills == 8


def test_a_path_whose_conditions_all_fail_ends_there_and_says_so() -> None:
    run = run_procedure(of(("a", "b", "1 > 2"), ("a", "c", "missing == 3")))

    assert (run.steps, run.status) == (["a"], "succeeded")
    assert "No condition after a holds" in str(run.events)


def test_otherwise_is_taken_when_no_other_condition_holds() -> None:
    flow = of(("a", "b", "n > 2"), ("a", "c", "otherwise"))

    assert run_procedure(flow, {"data": {"n": 3}}).steps == ["a", "b"]
    assert run_procedure(flow, {"data": {"n": 1}}).steps == ["a", "c"]


def test_a_join_runs_once_when_all_have_come_also_over_a_question_in_a_branch() -> None:
    flow = of(
        *(("start", "ask"), ("start", "short"), ("start", "a"), ("a", "b")),
        *(("ask", "join"), ("short", "join"), ("b", "join"), ("join", "end")),
        steps={"ask": Ask("Go on?"), "join": add},
    )

    run = run_procedure(flow, humans=approve_all)

    # The branches beside the question did not wait for it.
    assert run.steps == ["start", "short", "a", "b", "join", "end"]
    assert [event.key for event in run.events if event.kind == "wait.opened"] == ["ask"]
    assert kept(run)["total"] == 1
    crash_test(flow, humans=approve_all)


def test_an_inner_join_does_not_wait_for_a_branch_that_can_not_reach_it() -> None:
    flow = of(
        *(("s", "a"), ("s", "b"), ("s", "slow"), ("a", "inner"), ("b", "inner")),
        *(("inner", "end"), ("slow", "end")),
        steps={"slow": Ask("Ready?")},
    )

    run = run_procedure(flow, humans=silent)

    assert (run.status, run.steps) == ("waiting", ["s", "a", "b", "inner"])


def test_questions_in_several_branches_are_open_at_once_and_answered_in_any_order() -> None:
    flow = of(
        *(("s", "law"), ("s", "tax"), ("s", "boss"), ("law", "end"), ("tax", "end")),
        ("boss", "end"),
        steps={"law": Ask("Law?"), "tax": Ask("Tax?"), "boss": Ask("Boss?")},
    )
    late = script(
        {
            "law": Answer(value=True, after="3h"),
            "tax": Answer(value=False, after="1h"),
            "boss": Answer(value=True),
        }
    )

    run = run_procedure(flow, humans=late)

    data = kept(run)
    assert [data[name]["approved"] for name in ("law", "tax", "boss")] == [True, False, True]
    assert run.took == timedelta(hours=3)
    crash_test(flow, humans=late)


def test_branches_bring_their_data_together() -> None:
    steps = {"a": setting("x", 1), "b": setting("y", [2]), "end": nothing}
    flow = of(("s", "a"), ("s", "b"), ("a", "end"), ("b", "end"), steps=steps)

    assert kept(run_procedure(flow, {"data": {"x": 0, "z": 9}})) == {"x": 1, "y": [2], "z": 9}


def test_branches_that_set_a_name_differently_fail_the_run_in_words() -> None:
    steps = {"a": setting("total", 1), "b": setting("total", 2)}
    flow = of(("s", "a"), ("s", "b"), ("a", "end"), ("b", "end"), steps=steps)

    run = run_procedure(flow)

    assert run.status == "failed"
    assert "'total'" in str(run.events[-1].data)
    assert "'a' set 1, 'b' set 2" in str(run.events[-1].data)
    assert "end" not in run.steps


def test_branches_may_set_a_name_alike_and_one_after_another() -> None:
    same = {"a": setting("total", 1), "b": setting("total", 1)}
    edges = (("s", "a"), ("s", "b"), ("a", "end"), ("b", "end"))
    assert kept(run_procedure(of(*edges, steps=same)))["total"] == 1

    later = {"s": setting("total", 1), "b": setting("total", 2), "end": setting("total", 3)}
    assert kept(run_procedure(of(*edges, steps=later)))["total"] == 3


def test_a_removed_value_is_gone_and_in_conflict_with_one_that_was_set() -> None:
    def remove(context: GraphContext) -> None:
        del context.data["total"]

    edges = (("s", "a"), ("s", "b"), ("a", "end"), ("b", "end"))
    gone = of(*edges, steps={"a": remove})
    assert "total" not in kept(run_procedure(gone, {"data": {"total": 1}}))

    torn = of(*edges, steps={"a": remove, "b": setting("total", 2)})
    run = run_procedure(torn, {"data": {"total": 1}})
    assert "'a' removed it, 'b' set 2" in str(run.events[-1].data)


def test_a_loop_asks_again_until_it_is_well() -> None:
    flow = of(
        *(("write", "review"), ("review", "write", "not review.approved")),
        ("review", "print", "review.approved"),
        steps={"write": add, "review": Ask("Is draft {total} good?")},
        start="write",
    )
    people = script({"Is draft 1*": False, "Is draft 2*": False, "Is draft 3*": True})

    run = run_procedure(flow, humans=people)

    assert run.steps == ["write", "write#2", "write#3", "print"]
    assert kept(run)["total"] == 3
    crash_test(flow, humans=people)


def test_a_loop_through_parallel_branches_joins_each_time() -> None:
    flow = of(
        *(("s", "a"), ("s", "b"), ("a", "join"), ("b", "join")),
        *(("join", "s", "total < 3"), ("join", "end", "otherwise")),
        steps={"join": add},
        start="s",
    )

    run = run_procedure(flow)

    assert run.steps.count("join") == 1
    assert [step for step in run.steps if step.startswith("join")] == ["join", "join#2", "join#3"]


def test_paths_that_wait_for_each_other_in_a_cycle_go_on_all_the_same() -> None:
    flow = of(
        *(("s", "a"), ("s", "b"), ("a", "b", "total < 2"), ("b", "a", "total < 2")),
        *(("a", "end", "otherwise"), ("b", "end", "otherwise")),
        steps={"a": add},
        start="s",
    )

    assert run_procedure(flow).status == "succeeded"


def test_a_step_that_may_not_execute_is_skipped_with_an_event_and_the_run_goes_on() -> None:
    asked = Ask("Really?")
    vars(asked)["can_execute"] = lambda context: False
    steps = {"guarded": Guarded(may=False), "ask": asked, "end": nothing}
    flow = of(("guarded", "ask"), ("ask", "end"), steps=steps)

    run = run_procedure(flow, humans=approve_all)

    assert (run.status, run.prompts) == ("succeeded", [])
    assert run.result == {}
    told = [event.name for event in run.events if event.kind == "log"]
    assert told == [
        "guarded was skipped, because its can_execute returned False.",
        "ask was skipped, because its can_execute returned False.",
    ]


def test_the_methods_of_a_step_are_called_in_turn_and_a_failure_fails_the_run() -> None:
    flow = graph("one", steps={"guarded": Guarded()})

    assert kept(run_procedure(flow)) == {"told": "guarded did it"}

    run = run_procedure(flow, {"data": {"breaks": True}})
    assert (run.status, done) == ("failed", ["guarded: no route"])
    assert run.journal[-1].startswith("run.failed")


def test_a_timer_waits_for_a_length_that_code_computes_and_a_signal_keeps_its_value() -> None:
    class Patience:
        step_type = "TIMER"

        async def get_duration(self, context: GraphContext) -> timedelta:
            return timedelta(hours=context.get("hours"))

    steps = {"slow": Patience(), "bank": Signal(), "end": add}
    flow = of(("slow", "bank"), ("bank", "end"), steps=steps)
    people = script({"bank": {"reference": 7}})

    run = run_procedure(flow, {"data": {"hours": 5}}, humans=people)

    assert run.took == timedelta(hours=5)
    assert kept(run)["bank"] == {"reference": 7}
    crash_test(flow, {"data": {"hours": 5}}, humans=people)


def test_a_timer_of_no_length_does_not_wait() -> None:
    flow = of(("a", "slow"), ("slow", "b"), steps={"slow": Wait(0)})

    assert run_procedure(flow).steps == ["a", "b"]


def test_silence_gives_the_default_and_is_marked() -> None:
    flow = of(
        *(("ask", "late", "timed_out"), ("ask", "early", "otherwise")),
        steps={"ask": Ask("Refund?")},
        options={"ask": {"expires": "2h", "default": False}},
    )

    assert run_procedure(flow, humans=silent).steps == ["late"]
    assert run_procedure(flow, humans=approve_all).steps == ["early"]


def test_a_form_checks_an_answer_when_it_is_given() -> None:
    schema = {
        "type": "object",
        "properties": {
            "size": {"type": "string", "enum": ["s", "l"], "enumNames": ["Small", "Large"]}
        },
        "required": ["size"],
    }
    flow = of(("ask", "end"), steps={"ask": Ask("Which?", form_schema=schema)})

    run = run_procedure(flow, humans=script({"ask": {"size": "l"}}))
    assert kept(run) == {"ask": {"size": "l"}}

    refused = run_procedure(flow, humans=script({"ask": {"size": "xl"}}))
    assert (refused.status, len(refused.refused)) == ("waiting", 1)


def test_a_gateway_follows_its_function_its_list_or_the_first_condition() -> None:
    class Exclusive:
        step_type = "gateway"

        def execute(self, context: GraphContext) -> Any:
            return context.get("to")

    edges = (("gate", "a"), ("gate", "b"), ("gate", "c"))
    flow = of(*edges, steps={"gate": Exclusive()})
    assert run_procedure(flow, {"data": {"to": "b"}}).steps == ["gate", "b"]
    assert run_procedure(flow, {"data": {"to": ["c", "a"]}}).steps == ["gate", "c", "a"]
    wrong = run_procedure(flow, {"data": {"to": "z"}})
    assert "chose 'z', but its edges lead to a, b, c" in str(wrong.events[-1].data)

    first = of(
        *(("gate", "a", "n > 1"), ("gate", "b", "n > 0"), ("gate", "c", "otherwise")),
        steps={"gate": Gateway(first=True)},
    )
    assert run_procedure(first, {"data": {"n": 5}}).steps == ["gate", "a"]


def test_a_parallel_gateway_names_its_branches_itself() -> None:
    class Fork:
        step_type = "gateway"
        branches = ("a", "b")

        def execute(self, context: GraphContext) -> Any:
            return list(self.branches)

    flow = of(("a", "end"), ("b", "end"), steps={"fork": Fork()})

    assert run_procedure(flow).steps == ["fork", "a", "b", "end"]


def test_conditions_may_be_functions_also_async_ones_and_are_kept() -> None:
    async def is_large(context: GraphContext) -> bool:
        done.append("asked")
        return bool(context.get("n") > 10)

    flow = of(
        *(("ask", "a", is_large), ("ask", "b", "otherwise"), ("a", "end"), ("b", "end")),
        steps={"ask": Ask("?")},
    )

    run = run_procedure(flow, {"data": {"n": 11}}, humans=approve_all)

    assert run.steps == ["ask.next", "a", "end"]
    assert done.count("asked") == 1  # and never again, however often the code is replayed


def test_groups_pass_results_on_and_a_question_in_a_group_asks() -> None:
    def previous(context: GraphContext) -> Any:
        return context.get("_previous_result")

    steps = {
        "chain": Chain([add, previous]),
        "both": Parallel([add, Ask("Both?")], callback=previous),
        "end": nothing,
    }
    flow = of(("chain", "both"), ("both", "end"), steps=steps)

    run = run_procedure(flow, humans=approve_all)

    assert run.prompts == ["Both?"]
    assert run.steps == ["chain.add", "chain.previous", "both.add", "both.previous", "end"]
    answered = {"approved": True, "comment": ""}
    assert kept(run)["previous"] == [2, answered]
    crash_test(flow, humans=approve_all)


def test_a_conditional_group_takes_one_branch_or_none() -> None:
    class Choice:
        branches = {"big": add, "small": Ask("Small?")}

        def condition(self, context: GraphContext) -> str:
            return str(context.get("size"))

    flow = of(("pick", "end"), steps={"pick": Choice()})

    assert run_procedure(flow, {"data": {"size": "big"}}).steps == ["pick", "pick.big", "end"]
    assert run_procedure(flow, {"data": {"size": "odd"}}).steps == ["pick", "end"]
    asked = run_procedure(flow, {"data": {"size": "small"}}, humans=approve_all)
    assert (asked.prompts, asked.steps) == (["Small?"], ["pick", "end"])


def test_an_assignee_comes_from_the_data_or_from_code() -> None:
    asked = Ask("Yours?", assignee_key="owner")
    run = run_procedure(of(("a", "ask"), steps={"ask": asked}), {"data": {"owner": "ann"}})
    assert question_of(run).assign == ("@ann",)

    class Own:
        step_type, title = "human", "Mine?"

        async def get_assignee(self, context: GraphContext) -> str:
            return "@bob"

    run = run_procedure(of(("a", "ask"), steps={"ask": Own()}))
    assert question_of(run).assign == ("@bob",)


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), [float("-inf")], object()])
def test_a_value_without_json_is_never_stored_as_null_and_its_step_is_done_once(odd: Any) -> None:
    calls = list[str]()

    def measure(context: GraphContext) -> None:
        calls.append("measured")
        context.set("length", odd)

    flow = graph(
        "measuring",
        steps={"measure": measure, "end": add},
        edges=[("measure", "end")],
        options={"measure": {"retry": Retry(3)}},
    )

    run = run_procedure(flow, {"data": {"length": 1.0}}, humans=silent)

    assert calls == ["measured"]
    [asked] = run.prompts
    assert "done" in asked
    with pytest.raises(InputError, match="It contains NaN or an infinite number"):
        run_procedure(flow, {"data": {"length": float("nan")}})
