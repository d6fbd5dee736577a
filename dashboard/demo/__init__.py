"""The demo's people, runs and git repository, which exist only if the product runs embedded."""
