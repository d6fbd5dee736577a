"""The distribution `countersign-client`, built and installed where nothing else is."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from chat.services import Answer, respond
from countersign_client import Client
from dashboard.environment.variables import CHECKOUT
from dashboard.models import ApiToken
from tests.client.conftest import PATIENCE, request_asked
from tests.documents import Page as Document
from tests.processes import Web

README_SITE = "https://sign.example"
AROUND = """
import sys

address, token = sys.argv[1:]


def deploy():
    print("deployed")


"""


def run(*command: str | Path, folder: Path) -> str:
    """The output of a command that knows nothing of the checkout."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ended = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.visit
def test_the_wheel_installs_into_an_empty_environment_and_runs_the_example_of_its_readme(
    site: Client,
    carol: User,
    bob: User,
    running_web: Web,
    threads: ThreadPoolExecutor,
    tmp_path: Path,
) -> None:
    python = tmp_path / "empty" / "bin" / "python"
    run(sys.executable, "-m", "venv", tmp_path / "empty", folder=tmp_path)
    build = ("-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path)
    run(python, *build, CHECKOUT / "client", folder=tmp_path)
    [wheel] = tmp_path.glob("countersign_client-*.whl")
    run(python, "-m", "pip", "install", "--quiet", wheel, folder=tmp_path)
    [example] = Document(CHECKOUT / "client" / "README.md").examples
    assert f'"{README_SITE}"' in example.source
    program = AROUND + example.source.replace(f'"{README_SITE}"', "address")
    token = ApiToken.create_for(carol)
    whom = program.replace('to=["operations"]', 'to=["finance"]')

    deploying = threads.submit(run, python, "-c", whom, running_web.url, token, folder=tmp_path)
    respond(request_asked().pk, Answer(value=True), by=bob)

    assert deploying.result(PATIENCE) == "deployed\n"
    uses = "import countersign_client.tactus as found; print(found.__file__)"
    assert run(python, "-c", uses, folder=tmp_path).startswith(str(tmp_path))
    listed = run(python, "-m", "pip", "list", "--format", "freeze", folder=tmp_path).lower()
    assert "django" not in listed
    assert "tactus" not in listed
