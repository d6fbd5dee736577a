"""A step writes a long text, its worker is killed in the middle, and readers change the server."""

from contextlib import ExitStack
from hashlib import sha256

import pytest
from django.contrib.auth.models import User

from chat.models import Message
from chat.written import written_text
from tests.conftest import StartWeb
from tests.crash.doings import chunk
from tests.desk import Desk
from tests.runs import start, wait_for_success
from tests.sockets import page
from tests.text_reader import TextReader

PARTS, SIZE, DEADLY = 10, 500, 5
pytestmark = pytest.mark.usefixtures("running_clock", "running_worker")


def begun(part: int) -> str:
    """The text before a part."""
    return "".join(map(chunk, range(part * SIZE)))


def test_five_thousand_pieces_arrive_byte_for_byte_over_two_servers_and_a_killed_worker(
    desk: Desk, alice: User, admin_user: User, web: StartWeb
) -> None:
    webs = [web(), web()]
    gates = {part: ExitStack() for part in range(1, PARTS)}
    for part, gate in gates.items():
        gate.enter_context(desk.closed(f"part {part}"))
    desk.kill_at(f"part {DEADLY}")
    run = start("writer", folder=desk.folder, parts=PARTS, size=SIZE, by=alice)
    reader = TextReader(str(run.pk))

    for part, gate in gates.items():
        with page(webs[part % 2], admin_user) as opened:
            opened.say(form="data", **reader.follow)
            while (
                "write" not in reader.texts
                or reader.texts["write"].text != begun(part)
                or (part == DEADLY and len(reader.attempts) == 1)
            ):
                reader.take(opened.hear(timeout=60))
        gate.close()
    webs[0].kill()
    with page(webs[1], admin_user) as opened:
        opened.say(form="data", **reader.follow)
        while not reader.texts["write"].end:
            reader.take(opened.hear(timeout=60))

    read = reader.texts["write"]
    assert wait_for_success(run).epoch == 2  # the first worker was killed
    message = Message.objects.get(run=run, kind=Message.Kind.NOTICE)
    assert (written_text(message) or message.text) == read.text == begun(PARTS)
    assert message.posted["digest"] == read.digest == sha256(read.text.encode()).hexdigest()
    assert reader.attempts == [1, 1]
