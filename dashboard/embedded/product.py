"""The parts of the demo site, and the order in which they start."""

import os
import re
import socket
from typing import TextIO

from django.core.management import call_command
from django.db import DatabaseError, connections

from dashboard.accounts.sign_in import sign_in_link
from dashboard.demo import people as demo
from dashboard.embedded.errors import StartError, StopRequested
from dashboard.embedded.lock import only_one
from dashboard.embedded.log import Log
from dashboard.embedded.part import Part, python, variables_for
from dashboard.embedded.redis import is_listening, leave_no_folder, redis_part
from dashboard.embedded.servers import find_redis
from dashboard.embedded.supervisor import Supervisor
from dashboard.environment.variables import Environment, redis_socket

HOST = "127.0.0.1"
CELERY = ("celery", "--quiet", "--app=dashboard")
ALONE = ("--without-gossip", "--without-mingle", "--without-heartbeat")

NOISE = re.compile(r"^Connected to |Warm shutdown")


def run_product(environment: Environment, output: TextIO) -> None:
    """Run the product until somebody stops it, then end all of its processes."""
    if not environment.is_embedded:
        raise StartError(
            "SECRET_KEY is set, so this is a deployed site. This command runs everything on one"
            " machine, for a trial: unset SECRET_KEY to use it."
        )
    os.umask(0o077)  # what runs keep is nobody else's to read
    log = Log(output)
    with only_one(environment.LOCAL_DIR, environment.site_url()):
        check_port(environment.PORT)
        with Supervisor(log, variables_for(environment)) as supervisor:
            try:
                start_parts(supervisor, environment, log)
                log.write(welcome(environment))
                # The supervisor only watches from here on, so it would hold an open file of SQLite
                # or a connection for days.
                connections.close_all()
                supervisor.watch()
            except StopRequested:
                log.write("\nStopping.")
        leave_no_folder(environment.LOCAL_DIR)
        log.write("Everything has stopped.")


def start_parts(supervisor: Supervisor, environment: Environment, log: Log) -> None:
    if environment.REDIS_URL is None:
        path = redis_socket(environment.LOCAL_DIR)
        server = find_redis(environment)
        part = redis_part(environment, server)
        supervisor.start_and_wait(part, lambda: is_listening(path), seconds=20)
        log.say(part.name, str(server))
    with supervisor.interruptible():
        prepare_database()
    web = web_part(environment.PORT)
    supervisor.start_and_wait(web, lambda: is_answering(environment.PORT), seconds=60)
    supervisor.start(worker_part("worker", "--pool=prefork", "--queues=runs"))
    supervisor.start(worker_part("clock", "--pool=solo", "--queues=clock"))


def web_part(port: int) -> Part:
    quiet = "--verbosity=0"  # our own access log shows no secrets
    application = "dashboard.asgi:application"
    return Part("web", python("daphne", quiet, "--bind", HOST, "--port", str(port), application))


def worker_part(name: str, *options: str) -> Part:
    command = python(*CELERY, "worker", *ALONE, f"--hostname={name}@%h", *options)
    return Part(name, command, noise=NOISE)


def prepare_database() -> None:
    try:
        call_command("migrate", verbosity=0, interactive=False, skip_checks=True)
        demo.create_demo()
    except DatabaseError as error:
        raise StartError(f"The database can't be used: {error}".strip()) from None


def check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise StartError(
                f"Port {port} is in use or reserved. Stop the program that uses it, "
                "or choose another port: make run PORT=8001"
            ) from None


def is_answering(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def welcome(environment: Environment) -> str:
    links = [
        f"  {account.name:<10}{account.purpose:<34}{sign_in_link(user, by='make run')}"
        for account, user in demo.demo_users()
    ]
    return "\n".join(
        [
            "",
            f"Countersign is at {environment.site_url()}",
            "",
            *links,
            "",
            "Each link works once; `manage.py sign_in_link NAME` creates another.",
            "Ctrl-C stops everything.",
            "",
        ]
    )
