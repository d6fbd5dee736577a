"""Figures by hand: `.venv/bin/python -m bench.steps --database postgres`.

Each command measures ours beside its floor in the same run, in turn (`--pairs`), and prints the
medians as a line of JSON. Servers and workers are real, and end with the command.
"""
