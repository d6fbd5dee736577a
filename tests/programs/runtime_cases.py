"""The tests of AbstractRuntime for parts besides its runtime, and our tests for each of them.

They try stores, registries and clients of its own directly. Ours are other things with other names,
so these tests can't run here; tests of ours show what they are about.
"""

STORE = "It tries a store of its own; here, the database keeps runs."
CHAIN = "It tries a store of its own; here, every journal is chained."
FILES = "It tries a store of its own; here, files belong to runs and are stored by their content."
SITE = "It needs a model or a server of its author's; agents here talk through another library."

BESIDE: dict[str, tuple[str, tuple[str, ...]]] = {
    "ledger_chain": (
        CHAIN,
        ("tests/integration/test_ledger.py::test_what_was_done_to_a_journal_is_found",),
    ),
    "queryable_run_store": (
        STORE,
        (
            "tests/integration/test_api_lists.py::test_lists_are_filtered",
            "tests/integration/test_api_lists.py::test_a_walk_over_runs_meets_each_once",
            "tests/conformance/seeds/test_plexus.py::test_a_sleep_lasts_its_time_and_holds_no_worker",
        ),
    ),
    "snapshots": (
        STORE,
        (
            "tests/integration/test_effects_runtime.py"
            "::test_a_snapshot_keeps_where_a_run_stood_and_asks_nobody",
        ),
    ),
    "scheduler TestWorkflowRegistry": (
        "It tries a registry of its own; here, modules that the settings name have the programs.",
        (
            "tests/integration/test_registry.py::test_a_module_of_the_site_is_loaded",
            "tests/integration/test_registry.py::test_two_of_one_name_are_refused",
        ),
    ),
    "artifacts": (
        FILES,
        (
            "tests/conformance/test_steps.py::test_a_file_is_kept_with_its_step",
            "tests/conformance/test_steps.py::test_the_same_file_twice_is_one_file",
            "tests/conformance/test_options.py::test_large_values_lie_beside_the_journal",
            "tests/integration/test_effects_runtime.py"
            "::test_values_that_are_stored_outside_the_journal_are_read_too",
        ),
    ),
    "remote_llm_client": (
        SITE,
        ("tests/unit/test_agents.py::test_the_test_model_of_the_library_calls_every_tool",),
    ),
    "trace_context_propagation": (
        SITE,
        (
            "tests/unit/test_agents.py::test_people_see_the_exact_arguments_and_the_step_names_its_approval",
        ),
    ),
    "integration_abstractcore": (
        SITE,
        ("tests/programs/effects/test_program.py::test_a_model_of_agents_answers_in_a_step",),
    ),
    "real_integration": (
        SITE,
        (
            "tests/programs/effects/test_program.py::test_a_model_of_agents_answers_in_a_step",
            "tests/programs/effects/test_program.py"
            "::test_tools_of_agents_ask_people_first_and_each_call_is_a_step",
        ),
    ),
}
"""The reason and our tests, by the file of their tests or by a file with one of its classes."""
