"""The browser of the tests and of the pictures."""

import os
import shutil
from pathlib import Path

WITH_WINDOWS = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
"""The program for what Chromium does in windows only, such as showing notifications."""
CHROMIUM = Path(
    os.environ.get("CHROMIUM") or shutil.which("chromium-headless-shell") or WITH_WINDOWS
)
"""The program without windows, if it is installed: each page takes a quarter of the time."""
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
