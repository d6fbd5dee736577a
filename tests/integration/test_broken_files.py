"""Files of procedures that can't be read, and settings that can't work: said, and kept apart."""

import os
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django import Settings

from procedures import registry
from procedures.services import BrokenProcedureError, complaints, start_run
from procedures.texts import MOST_FILES
from tests.calls import caller, detail
from tests.configured import configure
from tests.flows import AFTER, BEFORE, READER, Folder, flow
from tests.pages import browser, shown

pytestmark = pytest.mark.django_db

TOO_LARGE = flow(doc="x" * 300_000)
FAULTS: dict[str, tuple[str, str | bytes, str]] = {
    "no JSON": ("bad.json", '{\n "name": oops}', "flows/bad.json, line 2: Expecting value"),
    "its reader says where": (
        "bad.txt",
        "Fine?\nNot fine.\n",
        "flows/bad.txt, line 2: 'Not fine.'",
    ),
    "an unknown step": ("bad.json", flow({"fly": "x"}), "line 10: A step is one of ask, do, call."),
    "no procedure": ("bad.json", "[]", "flows/bad.json: Its reader found no procedure in it."),
    "no name": ("bad.json", '{"steps": []}', "flows/bad.json: KeyError: 'name'"),
    "an impossible name": (
        "bad.json",
        flow(name="a b"),
        "flows/bad.json: Invalid procedure name 'a b'",
    ),
    "no reader": ("bad.csv", "a;b", "flows/bad.csv: There is no reader for its suffix."),
    "Latin-1": ("bad.json", b'{\n "name":\n "\xe9"}', "flows/bad.json, line 3: It isn't UTF-8"),
    "a NUL": ("bad.json", '{\n "name": "\0"}', "flows/bad.json, line 2: It contains a NUL"),
    "too large": ("bad.json", TOO_LARGE, "flows/bad.json: It's too large. The limit is 262,144"),
    "twice in one file": (
        "bad.json",
        f"[{flow(name='a')}, {flow(name='a')}]",
        "flows/bad.json: It defines a twice.",
    ),
    "a name of Python": (
        "bad.json",
        flow(name="refund"),
        "flows/bad.json: The procedure refund is also defined in Python.",
    ),
}


@pytest.mark.parametrize(("name", "text", "told"), FAULTS.values(), ids=FAULTS)
def test_a_file_that_cannot_be_read_is_named_and_keeps_no_other_away(
    flows: Folder, name: str, text: str | bytes, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    flows.write(name, text)
    flows.deploy(text=BEFORE)

    assert told in caplog.text
    assert [one.message for one in complaints() if one.part == "code" and told in one.message]
    assert registry.find("shoes")
    assert not registry.definitions()["refund"].file
    out = StringIO()
    call_command("check", stderr=out)
    assert told in out.getvalue()
    assert "procedures.W002" in out.getvalue()


def hidden(flows: Folder) -> None:
    flows.write(".shoes.json.swp", "x")
    flows.write(".git/x.json", "x")


def linked_twice(flows: Folder) -> None:
    (flows.path / "again.json").symlink_to(flows.write("real/hats.json", flow(name="hats")))


def linked_in_circles(flows: Folder) -> None:
    """Two links back to the top make a path of every sequence of them: 2 ** 40 before it ends."""
    for name in ("again", "back"):
        (flows.path / name).symlink_to(flows.path)


@pytest.mark.parametrize("make", [hidden, linked_twice, linked_in_circles])
def test_hidden_files_and_a_second_way_to_a_file_are_no_fault(
    flows: Folder, make: Callable[[Folder], None]
) -> None:
    make(flows)
    flows.deploy()

    assert not registry.faults()
    found = registry.find("shoes")
    assert found
    assert found.file == "flows/shoes.json"


def leads_out(flows: Folder) -> None:
    outside = flows.path.parent / "outside.json"
    outside.write_text(flow(name="spy"))
    (flows.path / "bad.json").symlink_to(outside)


def leads_nowhere(flows: Folder) -> None:
    (flows.path / "bad.json").symlink_to(flows.path / "gone")


def leads_to_itself(flows: Folder) -> None:
    (flows.path / "bad.json").symlink_to("bad.json")


def lies_behind_a_link(flows: Folder) -> None:
    outside = flows.path.parent / "outside"
    (outside / "below").mkdir(parents=True)
    for name in ("bad.json", "below/spy.json"):
        (outside / name).write_text(flow(name="spy"))
    (flows.path / "linked").symlink_to(outside)


def is_a_pipe(flows: Folder) -> None:
    os.mkfifo(flows.path / "bad.json")


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (leads_out, "It's a symbolic link that leads out of its folder."),
        (leads_nowhere, "It's a broken symbolic link."),
        (leads_to_itself, "It's a symbolic link to itself."),
        (lies_behind_a_link, "It's a symbolic link that leads out of its folder."),
        (is_a_pipe, "It isn't a regular file."),
    ],
)
def test_what_is_no_file_of_the_folder_is_not_opened(
    flows: Folder, make: Callable[[Folder], None], told: str
) -> None:
    make(flows)
    flows.deploy()

    (fault,) = registry.faults()
    assert fault.file.endswith("bad.json")
    assert fault.message == told
    assert not registry.find("spy")


def test_a_folder_that_is_itself_a_link_is_one_like_any_other(
    flows: Folder, settings: Settings
) -> None:
    flows.write("shoes.json", BEFORE)
    current = flows.path.parent / "current"
    current.symlink_to(flows.path)
    configure(settings, PROCEDURE_FILES=[f"{current}/*.json"])
    flows.restart()

    assert registry.definitions()["shoes"].file == "current/shoes.json"


def test_the_size_of_a_file_is_the_sites_to_say(flows: Folder, settings: Settings) -> None:
    configure(settings, LARGEST_PROCEDURE_FILE=2048)
    flows.deploy(text=flow(doc="x" * 2048))
    assert "The limit is 2,048 bytes" in str(registry.faults()[0])

    configure(settings, LARGEST_PROCEDURE_FILE=4096)
    flows.restart()
    assert not registry.faults()


def test_a_glob_that_names_too_many_files_reads_the_first_ones_and_says_so(
    flows: Folder,
) -> None:
    for number in range(MOST_FILES + 5):
        flows.write(f"{number:05}.json", flow(name=f"n{number:05}"))

    registry.forget()

    assert [one.message for one in registry.faults()] == [
        "The globs match more than 1,000 files; only the first 1,000 were read."
    ]
    assert sum(bool(one.file) for one in registry.definitions().values()) == MOST_FILES


def test_two_files_of_one_name_are_both_refused(flows: Folder, alice: User) -> None:
    flows.deploy("shoes.json", BEFORE)

    flows.deploy("copy.json", AFTER)

    assert registry.find("shoes") is None
    with pytest.raises(BrokenProcedureError, match=r"flows/copy\.json and flows/shoes\.json"):
        start_run("shoes", {}, by=alice)


@pytest.mark.parametrize(
    "reader",
    [
        "read_nothing",
        "read_something_else",
        "leave",
        "panic",
        "panic_late",
        "fail_without_words",
        "name_a_line_of_text",
        "never_end",
        "say_too_much",
        "not_a_function",
        "nosuch",
    ],
)
def test_whatever_a_reader_does_the_site_goes_on(
    flows: Folder, settings: Settings, reader: str
) -> None:
    configure(settings, PROCEDURE_READERS={".json": f"tests.list_reader.{reader}"})

    flows.deploy()

    assert registry.find("shoes") is None
    assert [one.file for one in registry.faults()] == ["flows/shoes.json"]
    assert registry.find("refund")


def test_what_a_reader_says_is_one_short_line(
    flows: Folder, settings: Settings, admin_user: User
) -> None:
    flows.deploy()
    configure(settings, PROCEDURE_READERS={".json": "tests.list_reader.say_too_much"})
    flows.deploy()

    said = str(registry.faults()[0])
    assert said.startswith("flows/shoes.json, line 2: \\u001b[2J\\u202e\\ud800 xxx")
    assert len(said) < 600
    assert said in shown(browser(admin_user).get("/procedures/shoes"))


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"title": "a\ud800"}, "contain a NUL character or a lone surrogate"),
        ({"title": "a\0"}, "contain a NUL character or a lone surrogate"),
        ({"doc": "a\udfff"}, "contain a NUL character or a lone surrogate"),
        ({"roles": {"start": "g\ud800"}}, "it contains a NUL character or a lone"),
        ({"roles": {"answer": ["g\0"]}}, "it contains a NUL character or a lone"),
        ({"roles": {"see": "g" * 151}}, "can have at most 150"),
        ({"roles": {"start": [5]}}, "Invalid group name 5 in roles="),
        ({"roles": {"start": [" "]}}, "it must be a string that isn't empty"),
        ({"roles": {"start": 5}}, "roles= must name groups, not 5"),
        ({"roles": {"start": "@bob"}}, "names can't begin with"),
        ({"roles": {"start": "Perm:auth.view_user"}}, "names can't begin with"),
        ({"roles": {"start": "\uff20bob"}}, "names can't begin with"),
        ({"roles": {"start": "fin\u200bance"}}, "it contains an invisible character"),
    ],
)
def test_a_file_with_what_no_row_keeps_is_told_and_keeps_no_other_away(
    flows: Folder, alice: User, more: dict[str, Any], told: str
) -> None:
    flows.deploy("hats.json", flow(name="hats"))
    flows.deploy("bad.json", flow(**{"name": "bad", **more}))

    assert [told in str(one) for one in registry.faults()] == [True]
    assert registry.find("hats")
    assert registry.find("bad") is None
    assert browser(alice).get("/procedures").status_code == 200


def test_a_broken_procedure_is_shown_with_the_reason_and_not_started(
    flows: Folder, alice: User
) -> None:
    flows.deploy(text=BEFORE)
    flows.deploy(text='{"name": \noops')

    page, program = browser(alice), caller(alice)
    reason = "flows/shoes.json, line 2: Expecting value"
    assert "Its file can't be read" in shown(page.get("/procedures"))
    assert reason in shown(page.get("/procedures/shoes"))
    assert 'name="-key"' not in shown(page.get("/procedures/shoes"))
    assert reason in program.get("/api/procedures/shoes").json()["fault"]
    refused = program.post("/api/procedures/shoes/runs", {}, "application/json")
    assert reason in detail(refused, 409)

    flows.deploy(text=BEFORE)
    assert 'name="-key"' in shown(page.get("/procedures/shoes"))
    assert program.post("/api/procedures/shoes/runs", {}, "application/json").status_code == 201


# Settings

BAD_GLOBS = {
    "/*.json": "would search the whole disk",
    "/**/*.json": "would search the whole disk",
    "{flows}/{{a,b}}.json": "has braces",
    "{flows}/[a.json": "has an unmatched bracket",
    "{flows}/**.json": "has ** beside other characters",
    "{flows}/*/../x.json": 'contains ".."',
    "{flows}": "names a folder. Add its files",
    "{flows}/**": "names a folder. Add its files",
    "{flows}/nosuch/*.json": "which doesn't exist",
}


@pytest.mark.parametrize(("glob", "told"), BAD_GLOBS.items(), ids=BAD_GLOBS)
def test_a_glob_that_cannot_work_is_an_error_of_the_check(
    flows: Folder, settings: Settings, glob: str, told: str
) -> None:
    configure(settings, PROCEDURE_FILES=[glob.format(flows=flows.path)])
    flows.deploy()

    with pytest.raises(CommandError) as refusal:
        call_command("check")
    assert told in str(refusal.value)
    assert "procedures.E002" in str(refusal.value)


def test_a_glob_that_matches_nothing_is_said(flows: Folder, settings: Settings) -> None:
    configure(settings, PROCEDURE_FILES=[f"{flows.path}/*.lua"])
    out = StringIO()

    call_command("check", stderr=out)

    assert "matches no file. " in out.getvalue().replace("\n", " ")


@pytest.mark.parametrize(
    ("reader", "told"),
    [
        ("tests.list_reader.nosuch", "which can't be imported"),
        ("nosuch.read", "which can't be imported: ModuleNotFoundError: No module named 'nosuch'"),
        ("tests.list_reader.not_a_function", "which isn't a function"),
        ("tests.leaving_reader.read", "which can't be imported: SystemExit: no licence."),
    ],
)
def test_a_reader_that_cannot_be_used_is_an_error_of_the_check(
    flows: Folder, settings: Settings, reader: str, told: str
) -> None:
    configure(settings, PROCEDURE_READERS={".json": reader})

    with pytest.raises(CommandError, match=r"procedures\.E001") as refusal:
        call_command("check")
    assert f"PROCEDURE_READERS names {reader} for .json, {told}" in str(refusal.value)


def test_a_reader_that_ends_the_process_keeps_no_other_file_away(
    flows: Folder, settings: Settings
) -> None:
    configure(settings, PROCEDURE_READERS={".json": READER, ".txt": "tests.leaving_reader.read"})
    flows.write("hats.txt", "Hats?\n")

    flows.deploy()

    assert [one.file for one in registry.faults()] == ["flows/hats.txt"]
    assert registry.find("shoes")


def test_the_longest_suffix_chooses_the_reader(flows: Folder, settings: Settings) -> None:
    configure(
        settings, PROCEDURE_READERS={".txt": READER, ".ask.txt": "tests.list_reader.read_lines"}
    )

    flows.deploy("hats.ask.txt", "Hats?\n")

    assert registry.find("hats")
