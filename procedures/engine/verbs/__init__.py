"""The verbs of a procedure's context in groups, each a base class of `Context`."""
