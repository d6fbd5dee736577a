"""Starts and answers over HTTP: how many runs a second, and what each process uses for a run.

A program starts runs of three steps and an approval with a token. Then another program, with a
token of somebody else, answers each of them as soon as it asks. A tiny client takes the web
processes in turn, over connections that stay open. Each line of JSON is a number of web and of
worker processes: runs per second from the first start to the last end, the processor time of each
part for a run, and which part was full.

    .venv/bin/python -m bench.traffic --runs 300
    .venv/bin/python -m bench.traffic --runs 300 --sizes 1x1,2x2,4x4
"""

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from itertools import cycle
from threading import Lock, local
from typing import Any, NamedTuple

from bench.procedures import ANSWERERS
from bench.processors import measured
from bench.site import parser_of, site, tell

PROCEDURE = "steps_and_approval"
STARTERS = "starters"
"""The group that may start it."""
FULL = 85.0
"""The percentage of a core, or of the machine, from which a process or the machine is full."""
LONGEST = 600
"""Seconds for all runs of a line."""
LOOK_EVERY = 0.2
"""Seconds between two looks for questions and for the end, which cost the database, too."""
WARM_UP = 20
"""The runs before the measured ones, for which each process loads and prepares what it needs."""


def main() -> None:
    given = options()
    with site(given.database) as stack:
        tokens = tokens_of_programs()
        for webs, workers in given.sizes:
            with servers(stack, webs, workers) as (ports, pids):
                clients = Clients(*(Client(ports, token, given.clients) for token in tokens))
                carry(clients, WARM_UP)
                report(clients, pids, given.runs, webs=webs, workers=workers)


def options() -> argparse.Namespace:
    parser = parser_of(__doc__, runs=300)
    parser.add_argument("--clients", type=int, default=8, help="requests at the same time")
    parser.add_argument("--sizes", type=sizes, default=sizes("1x1,2x1,1x2,2x2,4x4"))
    return parser.parse_args()


def sizes(text: str) -> list[tuple[int, int]]:
    """Return pairs of web and worker processes from a text such as "1x1,2x4"."""
    return [(int(webs), int(workers)) for webs, workers in (s.split("x") for s in text.split(","))]


def report(
    clients: "Clients", pids: Mapping[str, int], runs: int, *, webs: int, workers: int
) -> None:
    before = time.process_time()
    with measured(pids) as usage:
        seconds, starting = carry(clients, runs)
    # By its own clock: all other processes are children of this one.
    usage.percent["client"] = 100 * (time.process_time() - before) / usage.seconds
    spent = {name: percent / 100 * usage.seconds for name, percent in usage.percent.items()}
    shares = {part: sum(v for name, v in spent.items() if name.startswith(part)) for part in PARTS}
    tell(
        bench="traffic",
        webs=webs,
        workers=workers,
        runs=runs,
        runs_per_s=runs / seconds,
        starts_per_s=runs / starting,
        **{f"{part}_ms_per_run": 1000 * share / runs for part, share in shares.items()},
        **{f"{name}_percent": round(percent, 1) for name, percent in usage.percent.items()},
        machine_percent=round(usage.machine_percent, 1),
        full=full(usage.percent, usage.machine_percent),
    )


PARTS = ("web", "worker", "database", "redis", "client")


def full(percent: Mapping[str, float], machine: float) -> list[str]:
    """Return the parts that had no processor time left."""
    found = [name for name, share in percent.items() if share >= FULL]
    return [*found, *(["machine"] if machine >= FULL else [])]


def carry(clients: "Clients", runs: int) -> tuple[float, float]:
    """Start runs and answer their questions until all runs have ended.

    Returns the seconds until the last run has ended, and until the last start was answered.
    """
    from procedures.models import Run

    began = time.monotonic()
    clients.starter.each(start, [b'{"count": 3}'] * runs)
    started = time.monotonic() - began
    clients.answerer.answer(runs)
    left = Run.objects.unended()
    wait(lambda: not left.exists())
    return time.monotonic() - began, started


def start(call: "Call", body: bytes) -> bytes:
    return call("POST", f"/api/procedures/{PROCEDURE}/runs", body)


def answer(call: "Call", request: Any) -> bytes:
    return call("POST", f"/api/requests/{request}/response", b'{"value": true}')


def wait(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + LONGEST
    while not condition():
        assert time.monotonic() < ends, "The runs did not end."
        time.sleep(LOOK_EVERY)


Call = Callable[[str, str, bytes], bytes]


class Client:
    """A program with a token that sends its requests to the web processes in turn."""

    def __init__(self, ports: Sequence[int], token: str, clients: int) -> None:
        self._ports, self._lock = cycle(ports), Lock()
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._threads, self._own = ThreadPoolExecutor(clients), local()

    def each(self, act: Callable[[Call, Any], bytes], subjects: Sequence[Any]) -> list[bytes]:
        return list(self._threads.map(lambda one: act(self._call, one), subjects))

    def answer(self, runs: int) -> None:
        """Answer the question of each of so many runs as soon as it has asked."""
        from chat.models import HumanRequest

        answered, answers = set[Any](), list[Future[bytes]]()

        def all_are_answered() -> bool:
            asked = HumanRequest.objects.open().values_list("pk", flat=True)
            for request in set(asked) - answered:
                answered.add(request)
                answers.append(self._threads.submit(answer, self._call, request))
            return len(answered) == runs

        wait(all_are_answered)
        for one in answers:
            one.result()

    def _call(self, method: str, path: str, body: bytes) -> bytes:
        with self._lock:
            port = next(self._ports)
        kept: dict[int, HTTPConnection] = self._own.__dict__.setdefault("kept", {})
        connection = kept.get(port) or kept.setdefault(port, HTTPConnection("127.0.0.1", port))
        connection.request(method, path, body, self._headers)
        response = connection.getresponse()
        text: bytes = response.read()
        assert response.status in {200, 201}, (response.status, text)
        return text


class Clients(NamedTuple):
    """A program that starts runs, and one that answers: nobody's token answers what it asked."""

    starter: Client
    answerer: Client


@contextmanager
def servers(
    stack: ExitStack, webs: int, workers: int
) -> Iterator[tuple[list[int], dict[str, int]]]:
    """Start web processes and workers of one process each; yield ports, and pids by name."""
    from tests.processes import Process, Web, Worker

    with ExitStack() as own:
        fronts = [Web() for _ in range(webs)]
        backs = [Worker("runs", "--pool=prefork", "--concurrency=1") for _ in range(workers)]
        for process in (*fronts, *backs):
            own.callback(process.end)
            process.start()
        others = {one.name.partition("-")[0]: one.pid for one in Process.running}
        pids = {f"web_{number}": one.pid for number, one in enumerate(fronts, 1)}
        pids |= {f"worker_{number}": one.pid for number, one in enumerate(backs, 1)}
        pids["redis"] = others["redis"]
        if "postgres" in others:
            pids["database"] = others["postgres"]
        yield [front.port for front in fronts], pids


def tokens_of_programs() -> list[str]:
    """Return a token of somebody who may start the runs, and one of somebody who may answer."""
    from django.contrib.auth.models import Group

    from procedures.models import Grant, Procedure

    starters, answerers = (
        Group.objects.get_or_create(name=name)[0] for name in (STARTERS, ANSWERERS)
    )
    procedure = Procedure.objects.get(name=PROCEDURE)
    Grant.objects.create(procedure=procedure, group=starters, role="start")
    return [token_of_member(group) for group in (starters, answerers)]


def token_of_member(group: Any) -> str:
    from django.contrib.auth.models import User

    from dashboard.models import ApiToken, Scope

    person = User.objects.create_user(group.name)
    person.groups.add(group)
    return ApiToken.create_for(person, scopes=Scope)


if __name__ == "__main__":
    main()
