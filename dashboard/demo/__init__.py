"""People, runs and a repository to look around with, in the embedded product only."""
