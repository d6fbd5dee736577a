"""The rules for the life of a run, which all stores follow."""
