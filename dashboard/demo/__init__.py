"""Demo people, runs and a repository, in the embedded product only."""
