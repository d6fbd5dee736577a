"""Texts of steps, read by pages and programs while they are written: a real Redis, real sockets."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from dashboard.models import ApiToken
from procedures import services
from procedures.live_texts import LARGEST, MOST_TEXTS
from procedures.models import Run
from tests.calls import grant
from tests.conftest import group as group_of
from tests.pen import STEP, Pen
from tests.processes import Redis, Web, wait_until
from tests.sockets import Page, page, program
from tests.text_reader import TextReader


@pytest.fixture
def run(running_web: Web, dave: User) -> Run:
    """Operators see it, such as dave."""
    grant("two_steps", group_of("operators"), "see")
    return services.start_run("two_steps", {}, by=None)[0]


@contextmanager
def reading(web: Web, user: User, reader: TextReader) -> Iterator[Page]:
    with page(web, user) as opened:
        opened.say(form="data", **reader.follow)
        yield opened


def read_until(opened: Page, reader: TextReader, text: str) -> None:
    while STEP not in reader.texts or reader.texts[STEP].text != text:
        reader.take(opened.hear())


def read_to_the_end(opened: Page, reader: TextReader) -> None:
    while STEP not in reader.texts or not reader.texts[STEP].end:
        reader.take(opened.hear())


def test_a_text_grows_as_it_is_written_and_goes_on_over_the_next_socket(
    run: Run, admin_user: User, dave: User, running_web: Web
) -> None:
    pen, reader, programs = Pen(run), TextReader(str(run.pk)), TextReader(str(run.pk))
    with reading(running_web, admin_user, reader) as opened:
        for word in ("Dear ", "customer,\n", "the 😀 "):
            pen.write(word)
            read_until(opened, reader, pen.text)
    pen.write("refund of 12 € ")
    pen.write("is on its way.")
    with program(running_web, ApiToken.create_for(dave)) as daves:
        daves.say(form="data", **programs.follow)
        read_until(daves, programs, pen.text)

        with reading(running_web, admin_user, reader) as opened:
            pen.end()
            read_to_the_end(opened, reader)
            read_to_the_end(daves, programs)

    for one in (reader, programs):
        assert one.texts[STEP].text == pen.text
        assert one.texts[STEP].digest == sha256(pen.text.encode()).hexdigest()
        assert one.attempts == [1]


def test_a_later_attempt_takes_the_place_of_a_text_and_a_lost_worker_never_does(
    run: Run, admin_user: User, running_web: Web
) -> None:
    lost, reader = Pen(run, epoch=1, attempt=1), TextReader(str(run.pk))
    with reading(running_web, admin_user, reader) as opened:
        lost.write("A worker that is lost wr")
        read_until(opened, reader, lost.text)
        heir = Pen(run, epoch=2, attempt=1)
        heir.write("Its heir writes.")
        read_until(opened, reader, heir.text)
        lost.write("ites on.")
        again = Pen(run, epoch=2, attempt=2)
        heir.end("failed")
        again.write("Again.")
        again.end()
        read_until(opened, reader, again.text)
        read_to_the_end(opened, reader)

    with reading(running_web, admin_user, latest := TextReader(str(run.pk))) as opened:
        assert opened.heard_before_an_answer() == []  # it is a message of the chat by now
    assert reader.attempts == [1, 1, 2]
    assert latest.texts == {}


def test_a_text_beyond_the_limit_is_said_to_appear_at_its_end(
    run: Run, admin_user: User, running_web: Web
) -> None:
    pen, reader = Pen(run), TextReader(str(run.pk))
    with reading(running_web, admin_user, reader) as opened:
        pen.write("é" * (LARGEST // 2 - 10))
        pen.write("x" * 21)
        while STEP not in reader.texts or not reader.texts[STEP].is_long:
            reader.take(opened.hear())
        pen.write("more")
        pen.end()
        read_to_the_end(opened, reader)

    assert reader.texts[STEP].text == "é" * (LARGEST // 2 - 10)
    assert reader.texts[STEP].digest == sha256(pen.text.encode()).hexdigest()


def test_the_text_of_the_step_at_work_is_read_however_many_its_claim_has_ended(
    run: Run, admin_user: User, running_web: Web
) -> None:
    reader = TextReader(str(run.pk))
    with reading(running_web, admin_user, reader) as opened:
        for number in range(MOST_TEXTS + 5):
            earlier = Pen(run, step=f"earlier {number}")
            earlier.write("Done.")
            earlier.end()
        pen = Pen(run)
        pen.write("And one more.")
        read_until(opened, reader, pen.text)


def test_only_who_may_see_the_run_reads_its_texts(run: Run, carol: User, running_web: Web) -> None:
    Pen(run).write("Not for carol.")
    with page(running_web, carol) as carols:
        carols.follow(f"text:{run.pk}")
        assert "denied" in carols.hear()
        carols.follow(f"text:{uuid4()}")
        assert "denied" in carols.hear()


@pytest.mark.parametrize(
    "at",
    [["a"], {"a": 1}, {"a": ["x", 1]}, {"a": [1, -1]}, {str(n): [1, 1] for n in range(21)}],
    ids=["a list", "no pair", "a word", "below nothing", "too many"],
)
def test_places_that_are_none_are_refused(
    run: Run, admin_user: User, running_web: Web, at: object
) -> None:
    with page(running_web, admin_user) as opened:
        opened.say(follow=f"text:{run.pk}", at=at)
        assert "refused" in opened.hear_error()


def test_what_redis_loses_appears_at_the_end_and_nobody_waits_for_it(
    run: Run, admin_user: User, running_web: Web, redis_server: Redis
) -> None:
    pen, reader = Pen(run), TextReader(str(run.pk))
    with reading(running_web, admin_user, reader) as opened:
        pen.write("Half of ")
        read_until(opened, reader, pen.text)
        redis_server.stop()
        pen.write("it is ")
        redis_server.start()
        pen.write("lost.")
        wait_until(lambda: redis_server_has(redis_server, "countersign.text:*"))
        read_until(opened, reader, pen.text)

    with reading(running_web, admin_user, late := TextReader(str(run.pk))) as opened:
        late.take(opened.hear())
        assert late.texts[STEP].is_long
        assert late.texts[STEP].text == ""


def redis_server_has(server: Redis, pattern: str) -> bool:
    with server.client() as client:
        return bool(client.keys(pattern))
