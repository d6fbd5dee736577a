"""An agent's text grows in an open chat whose socket is cut: nothing is lost or repeated."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import WebSocketRoute, expect

from chat.models import Message
from tests.browser.conftest import OpenPage, wait_with
from tests.crash.agents import LETTER
from tests.desk import Desk
from tests.runs import start, wait_for_success

pytestmark = pytest.mark.usefixtures("running_web", "running_worker")


def test_a_text_that_streams_while_the_socket_is_cut_is_whole_and_there_once(
    open_page: OpenPage, alice: User, tmp_path: Path
) -> None:
    chat, sockets, desk = open_page(alice), list[WebSocketRoute](), Desk(tmp_path)

    def connect(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    def cut(number: int) -> None:
        """Close this socket, once the page has opened it: texts may come before, by polling."""
        wait_with(chat, lambda: len(sockets) >= number, what=f"socket {number}")
        sockets[-1].close()

    chat.route_web_socket("**/live", connect)
    text = chat.locator(".writing__text")
    with desk.closed("word 6"):
        with desk.closed("word 3"):
            run = start("writes_by_agent", folder=desk.folder, by=alice)
            chat.goto(f"/chat/{Message.objects.get(run=run).session_id}")
            desk.wait_for_arrivals("word 3")
            expect(text).to_have_text("The lamp is")
            cut(1)
        desk.wait_for_arrivals("word 6")
        expect(text).to_have_text("The lamp is on its way")
        cut(2)
    wait_for_success(run)

    message = chat.locator(".transcript__list .message[data-wrote=writer]")
    expect(message).to_have_count(1)
    expect(message).to_contain_text(LETTER)
    expect(chat.locator(".message--written")).to_have_count(0)
    assert chat.locator(".transcript__list").inner_text().count(LETTER) == 1
    wait_with(chat, lambda: len(sockets) > 2, what="the next socket")
