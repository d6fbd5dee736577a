"""Fill a migrated database with a site of any size: `DATABASE_URL=… python -m bench.fill`.

A few runs of each sort are made by the product itself and copied by bulk, with other keys, times,
people and texts; 108,000 runs with a million events take about a minute. Pages draw the copies as
they draw any run, but the copies prove nothing: seals and hashes are the original's, so
`verify_journal` finds a fault in each, and workers are not meant to go on with them. The database
is afterwards no installation yet, so that copies of it (CREATE DATABASE … TEMPLATE …) are not held.

Its people: "starter" started a twentieth of the runs; "approver" is in the group that most open
requests are assigned to; "operator" sees everything and is staff; "auditor" is in a group that may
see the runs of one procedure; "few" may see ten runs; "outsider" sees none; "person-001" and so on
start and answer the rest.
"""

import os
import time

from bench.site import parser_of_numbers, tell

RUNS = 108_000


def main() -> None:
    given = parser_of_numbers(__doc__, runs=RUNS).parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    os.environ.setdefault("PROCEDURE_MODULES", "bench.filled")
    import django

    django.setup()
    began = time.perf_counter()
    made = fill(given.runs)
    tell(bench="fill", seconds=time.perf_counter() - began, **made)


def fill(runs: int = RUNS) -> dict[str, int]:
    """Fill the database with about that many runs; return how many rows of each sort it holds.

    `bench.filled` must be one of the site's PROCEDURE_MODULES.
    """
    from bench.copies import Copier
    from bench.filling import People, make_originals, planned
    from procedures import registry
    from procedures.models import Installation

    people = People.create()
    registry.register_all()
    copier = Copier()
    for copy in planned(make_originals(people, runs), runs, people):
        copier.copy(*copy)
    copier.finish()
    Installation.objects.all().delete()
    return counted()


def counted() -> dict[str, int]:
    from chat.models import HumanRequest, Message, Session
    from procedures.models import Event, Run

    return {
        "runs": Run.objects.count(),
        "events": Event.objects.count(),
        "sessions": Session.objects.count(),
        "messages": Message.objects.count(),
        "requests": HumanRequest.objects.count(),
        "open_requests": HumanRequest.objects.open().count(),
    }


if __name__ == "__main__":
    main()
