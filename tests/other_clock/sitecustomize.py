"""Python under libfaketime, whose `clock_nanosleep` refuses every sleep by the monotonic clock."""

import select
import time


def sleep(seconds: float) -> None:
    select.select((), (), (), seconds)


time.sleep = sleep
