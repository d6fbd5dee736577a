"""Processes that work on one run until it stands still, and are killed then."""

import os
import subprocess
import sys

from procedures.models import Run

LEG = """
import os, signal, sys
import django
django.setup()
from procedures.runner import advance_run
from uuid import UUID
advance_run(UUID(sys.argv[1]))
os.kill(os.getpid(), signal.SIGKILL)
"""


def work_and_die(run: Run, seed: int, *, module: str) -> None:
    """Let a process work until the run waits, with an order of hashes of its own."""
    environment = {**os.environ, "PROCEDURE_MODULES": module, "PYTHONHASHSEED": str(seed)}
    ended = subprocess.run(
        [sys.executable, "-c", LEG, str(run.pk)], env=environment, capture_output=True, check=False
    )
    assert ended.returncode == -9, ended.stderr.decode()
