"""`make audit`: known vulnerabilities of what is pinned, or why that could not be found out."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

OPTIONS = ("--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json")


def verdict(output: str, fault: str) -> tuple[int, str]:
    """Return the exit code and the words; a package that nobody looked up is never called safe."""
    try:
        packages = json.loads(output)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return 0, f"Skipped: the advisory service can't be reached. {fault.strip()[-300:]}"
    unknown = [one["name"] for one in packages if "skip_reason" in one]
    if len(unknown) == len(packages):
        return 0, "Skipped: the advisory service knows none of the packages from here."
    found = [
        f"{one['name']} {one['version']}: {', '.join(vuln['id'] for vuln in one['vulns'])}"
        for one in packages
        if one.get("vulns")
    ]
    skipped = [f"Not audited: {', '.join(unknown)}."] if unknown else []
    told = found or [f"{len(packages) - len(unknown)} packages, no known vulnerabilities."]
    return int(bool(found)), "\n".join([*told, *skipped])


def main(command: Sequence[str]) -> int:
    audited = subprocess.run(
        [*command, "-r", "requirements.txt", *OPTIONS],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    code, words = verdict(audited.stdout, audited.stderr)
    sys.stdout.write(f"{words}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
