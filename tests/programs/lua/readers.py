"""A reader of .tac files whose agents say what the file's first scenario says."""

from procedures.engine import Procedure
from programs.lua.tactus import Scenario, read_tactus, scenarios_of
from programs.lua.tactus.reader import specifications_in

READERS = {
    ".yaml": "programs.lua.read_plexus",
    ".tac": "tests.programs.lua.readers.read_with_replies",
}


def read_with_replies(file: str, text: str) -> list[Procedure]:
    return read_tactus(file, text, model=scenarios_in(file, text)[0].model)


def scenarios_in(file: str, text: str) -> list[Scenario]:
    return [one for told in specifications_in(file, text) for one in scenarios_of(told)]
