"""The codes that an authenticator app would show."""

import base64
import hmac
import re
import struct
import time

from django.test import Client, TestCase

from tests.company.conftest import PASSWORD

KEY = re.compile(r'class="factor__key">(\w+)<')
CODES = re.compile(r'class="factor__codes" tabindex="0">([\d\s]+)<')


def code_of(secret: str, *, ahead: int = 0) -> str:
    """The code of now, or one of a later half minute."""
    counter = struct.pack(">Q", int(time.time()) // 30 + ahead)
    digest = hmac.new(base64.b32decode(secret), counter, "sha1").digest()
    place = digest[-1] & 15
    number = struct.unpack(">I", digest[place : place + 4])[0] & 0x7FFFFFFF
    return f"{number % 10**6:06}"


def set_up_app(client: Client) -> tuple[str, list[str]]:
    """Set an authenticator app up as people do; return its secret, and the recovery codes."""
    asked = client.get("/second-factor/app")
    if asked.status_code == 302:  # it is asked first if it is really they
        client.post(asked["Location"], {"password": PASSWORD})
        asked = client.get("/second-factor/app")
    found = KEY.search(asked.content.decode())
    assert found
    # The session is told after the commit, which a test's own transaction never reaches.
    with TestCase.captureOnCommitCallbacks(execute=True):
        answer = client.post("/second-factor/app", {"code": code_of(found[1])})
    answer = client.get(answer["Location"])
    shown = CODES.search(answer.content.decode())
    assert shown
    return found[1], shown[1].split()


def give_code(client: Client, code: str) -> str:
    """The address to which the code leads, or the fault that the page shows."""
    answer = client.post("/second-factor/code", {"code": code})
    found = re.search(r'class="field__fault" role="alert">([^<]+)', answer.content.decode())
    return found[1] if found else answer["Location"]
