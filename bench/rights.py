"""The database time to find out whether a person may see one object.

For each person of a site as `bench.pages` fills it, random runs, sessions and requests are looked
up by their keys, on a large site and on one of a tenth of its size. A line has the median of the
milliseconds in which PostgreSQL plans and executes a look-up, the same for the smaller site, and
how many of the objects the person sees. With `--check`, the command fails if one takes too long.
"""

import re
import sys
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

from bench.pages import LARGEST_RATIO, PEOPLE, filled_sites, parsed, parser_of_sites, use
from bench.site import need_postgres, site, tell

SLOWEST = 3.0
"""The maximum number of milliseconds of the median look-up."""
LEAST = 1.0
"""Below this many milliseconds, a ratio of two medians tells nothing."""
TIMES = re.compile(r"(?:Planning|Execution) Time: ([0-9.]+) ms")


def main() -> None:
    parser = parser_of_sites(__doc__, takes=100)
    given = parsed(parser)
    need_postgres(parser, given, "bench.rights")
    with site(given.database, procedures="bench.filled"):
        large, small = filled_sites(given)
        faults = sum(compare(large, small, takes=given.takes))
    if given.check and faults:
        sys.exit(f"{faults} figures are too high.")


def compare(large: str, small: str, *, takes: int) -> Iterator[int]:
    """Print the figures of each person and kind of object; yield 1 for each that is too high."""
    from chat.access import visible_requests, visible_sessions
    from procedures.access import visible_runs

    rules = {"run": visible_runs, "session": visible_sessions, "request": visible_requests}
    for person in PEOPLE:
        for name, rule in rules.items():
            times, seen = look_up(large, person, rule, takes)
            half, half_of_tenth = median(times), median(look_up(small, person, rule, takes)[0])
            is_slow = half > SLOWEST or half > max(LEAST, LARGEST_RATIO * half_of_tenth)
            figures = {"database_ms": half, "tenth_ms": half_of_tenth, "seen": seen, "of": takes}
            verdict = "FAIL" if is_slow else "PASS"
            tell(bench="rights", sees=name, person=person, **figures, verdict=verdict)
            yield int(is_slow)


def look_up(
    database: str, person: str, rule: Callable[[Any], Any], takes: int
) -> tuple[list[float], int]:
    """Look random objects up; return the milliseconds of each, and how many the person sees.

    What is known of a person is read before, because each page reads it anyway.
    """
    from django.contrib.auth.models import User

    use(database)
    every = rule(User(is_active=False)).model.objects.order_by("?")
    times, seen = list[float](), 0
    for key in list(every.values_list("pk", flat=True)[:takes]):
        found = rule(User.objects.get(username=person)).filter(pk=key).values("pk")
        seen += len(found)
        # The server's own times: those of a client would tell how busy the machine is.
        plan = found.explain(analyze=True, summary=True)
        times.append(sum(float(time) for time in TIMES.findall(plan)))
    return times, seen


if __name__ == "__main__":
    main()
