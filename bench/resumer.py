"""A worker's process: takes up the runs named on its command line, the first to warm up."""

import resource
import sys
import time
from statistics import median
from uuid import UUID

from bench.site import tell


def main() -> None:
    import django

    django.setup()
    from procedures.models import Run
    from procedures.runner import advance_run

    spent = []
    for run_id in map(UUID, sys.argv[1:]):
        began = time.perf_counter()
        advance_run(run_id)
        went_on = float(Run.objects.get(pk=run_id).result or "nan")
        spent.append((went_on - began) * 1000)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    tell(ms=median(spent[1:]), peak_mb=peak)


if __name__ == "__main__":
    main()
