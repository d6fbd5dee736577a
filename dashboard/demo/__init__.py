"""The demo's people, runs and git repository, which exist only without SECRET_KEY."""
