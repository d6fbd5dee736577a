"""The people of a filled site, and the size of the crowd that `bench.crowd` adds to it."""

from typing import NamedTuple

PERSONS = 500
"""The people that `bench.fill` makes."""
MANAGER = "manager"
"""The person who manages the site: sees people, groups, access, the log and everything else."""


class Crowd(NamedTuple):
    """The numbers of people, groups and procedures of a site; 0 if none are added."""

    people: int = 0
    groups: int = 0
    procedures: int = 0

    def __bool__(self) -> bool:
        return any(self)
