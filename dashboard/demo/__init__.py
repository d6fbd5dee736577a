"""The demo's people, runs and repository, which only the embedded product has."""
