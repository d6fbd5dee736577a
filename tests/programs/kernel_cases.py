"""The guarantees of an agent runtime's kernel (seed 3), and our test for each of them.

A guarantee that isn't ours has the reason instead.
"""

OURS: dict[str, tuple[str, ...]] = {
    "signals are received by their ordinal, also those sent before the wait": (
        "tests/conformance/test_signals.py::test_signals_that_come_early_are_kept_in_order",
    ),
    "a signal sent after the wait began wakes it": (
        "tests/conformance/test_signals.py::test_a_signal_lets_the_run_go_on",
    ),
    "a run signals another before and after that one waits": (
        "tests/conformance/test_reaching.py::test_a_run_sends_its_child_a_signal_early_or_late",
    ),
    "a signal of another name is not taken": (
        "tests/conformance/test_signals.py::test_another_name_is_not_meant",
    ),
    "a signal with the id of an earlier one counts once": (
        "tests/conformance/test_signals.py::test_the_same_id_again_counts_once",
        "tests/conformance/test_reaching.py::test_the_same_id_counts_once_over_any_number_of_calls",
    ),
    "another payload under one id is refused": (
        "tests/integration/test_signals.py::test_the_same_id_with_another_value_is_refused",
    ),
    "the outcome of a wait can be an error": (
        "tests/conformance/test_reaching.py::test_the_waiter_raises_what_was_sent_as_an_error",
    ),
    "the outcome of a wait can be a timeout, which is marked": (
        "tests/conformance/test_signals.py::test_silence_is_flagged",
        "tests/conformance/test_signals.py::test_silence_may_be_an_error",
    ),
    "a run that is cancelled while it waits ends, and takes no answer": (
        "tests/integration/test_seeds_people.py"
        "::test_a_cancelled_run_takes_no_answer_and_does_nothing_more",
        "tests/conformance/test_reaching.py::test_a_run_withdraws_what_it_waits_for_itself",
    ),
    "a run that has ended takes no signal": (
        "tests/integration/test_signals.py::test_an_ended_run_takes_none",
        "tests/conformance/test_reaching.py::test_what_is_sent_to_a_run_that_has_ended_is_dropped",
    ),
    "a parent awaits and cancels its child by the handle": (
        "tests/conformance/test_children.py::test_a_child_runs_and_its_end_wakes_the_parent",
        "tests/conformance/test_reaching.py::test_a_run_cancels_its_child_and_says_why",
    ),
    "a run that holds no handle reaches nothing, unless its starter may": (
        "tests/conformance/test_reaching.py::test_who_may_not_reach_a_run_learns_nothing_of_it",
        "tests/integration/test_reaching.py::test_a_run_reaches_others_as_its_starter_does",
    ),
    "children inherit who started their parent": (
        "tests/integration/test_programs.py"
        "::test_a_run_started_by_a_token_asks_by_it_too_and_so_do_its_children_and_forks",
    ),
    "a sleep is durable and the same on every replay": (
        "tests/conformance/seeds/test_plexus.py::test_a_sleep_lasts_its_time_and_holds_no_worker",
    ),
    "what is appended wakes the session once": (
        "tests/integration/test_signals.py::test_a_signal_is_kept_once_and_wakes_the_run",
        "tests/conformance/test_inbox.py::test_messages_are_read_once_in_order_between_steps",
    ),
    "an append that is lost on its way is delivered once": (
        "tests/integration/test_reaching.py::test_what_was_lost_on_its_way_is_brought_once",
    ),
    "a follower gets every event once and in order, from its cursor": (
        "tests/integration/test_live.py::test_every_event_comes_once_and_in_order",
        "tests/integration/test_live.py::test_a_cursor_brings_only_what_follows_it",
    ),
    "a follower that was away learns of the gap and misses nothing": (
        "tests/client/test_alone.py::test_a_doorbell_follows_again_after_a_gap",
        "tests/integration/test_live_programs.py"
        "::test_a_program_that_reconnects_with_its_cursor_misses_nothing",
    ),
    "a run has one lease holder": (
        "tests/conformance/test_claims.py::test_a_held_run_cannot_be_claimed",
    ),
    "a lease is renewed while its worker lives": (
        "tests/integration/test_leases.py"
        "::test_a_lease_is_renewed_while_no_connection_is_to_be_had",
    ),
    "a lease that has passed can be claimed by another worker": (
        "tests/conformance/test_claims.py::test_a_lost_lease_can_be_claimed",
    ),
    "a worker that has lost its lease writes nothing": (
        "tests/conformance/test_claims.py::test_a_zombie_writes_nothing",
        "tests/crash/test_killed_workers.py"
        "::test_a_worker_that_was_paused_beyond_its_lease_writes_nothing",
    ),
    "an effect that is repeated has the key of the first attempt": (
        "tests/conformance/test_steps.py"
        "::test_a_failing_step_is_tried_again_with_the_same_idempotency_key",
        "tests/conformance/seeds/test_abstract_runtime.py"
        "::test_an_effect_cut_off_and_repeated_has_the_same_key",
    ),
    "a run that kills its workers is recovered a few times only": (
        "tests/conformance/test_claims.py::test_a_run_that_kills_every_worker_is_quarantined",
    ),
    "attachments are kept with what they belong to": (
        "tests/conformance/test_steps.py::test_a_file_is_kept_with_its_step",
    ),
}

NOT_OURS: dict[str, str] = {
    "tool catalogues with manifests and contracts": "A tool is a function or a procedure with "
    "types; the schema of its arguments is its contract (docs/ai_agents.md).",
    "projection of tool arguments": "Arguments are kept whole; people are shown all of them, "
    "because an approval counts for what was shown.",
    "captured execution environments": "A worker's environment is the site's, the same for every "
    "run; a run keeps the version of its code.",
    "cancellation tokens": "Code asks `Step.is_cancelled`; a run is cancelled at its next step.",
    "triggers": "A start by schedule or event is a program's own call of the API.",
    "the causal parent of every effect": "A run has one line of code, or branches with names; the "
    "key of each event says where it belongs.",
    "ordinals chosen by the waiting code": "A wait takes the next signal of its name. With a "
    "number that the code chooses, it could skip one, or take one twice.",
}
