"""The primitives that a program calls: State, Human, Procedure and the others, one noun a file."""
