"""Benchmarks run by hand: `.venv/bin/python -m bench.steps --database postgres`.

Each command measures ours and its floor alternately in one run (`--pairs`), and prints the medians
as a line of JSON. Servers and workers are real, and end with the command.
"""
