"""A worker process that takes up the runs named on its command line, the first as warm-up."""

import json
import resource
import sys
import time
from statistics import median
from uuid import UUID

from bench.site import tell


def main() -> None:
    import django

    django.setup()
    from dashboard.celery import leave_the_code_out_of_collections
    from procedures.models import Run
    from procedures.runner import advance_run

    leave_the_code_out_of_collections()
    spent = []
    for run_id in map(UUID, sys.argv[1:]):
        began, begun = time.perf_counter(), time.thread_time()
        advance_run(run_id)
        went_on, worked = json.loads(Run.objects.get(pk=run_id).result or "")
        spent.append(((went_on - began) * 1000, (worked - begun) * 1000))
    ms, cpu_ms = (median(times) for times in zip(*spent[1:], strict=True))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    tell(ms=ms, cpu_ms=cpu_ms, peak_mb=peak)


if __name__ == "__main__":
    main()
