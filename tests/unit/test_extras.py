"""Front-ends of programs on a site without their extras: the error names what to install."""

import subprocess
import sys

PROGRAM = """
import sys
for name in ("lupa", "yaml"):
    sys.modules[name] = None  # as if it weren't installed
from procedures.readers import _words_of
for module in ("programs.lua", "programs.graphs.reader"):
    try:
        __import__(module)
    except ImportError as error:
        print(_words_of(error))
import programs.graphs, programs.agents
"""


def test_a_missing_package_is_told_with_its_extra() -> None:
    command = [sys.executable, "-c", PROGRAM]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert told.splitlines() == [
        "ImportError: The package yaml is missing. Install countersign[lua].",
        "ImportError: The package yaml is missing. Install countersign[graphs].",
    ]
