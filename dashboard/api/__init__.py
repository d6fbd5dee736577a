"""The API as a whole: who calls it, what a token may do, and how errors are answered."""
