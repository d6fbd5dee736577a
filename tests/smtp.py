"""A mail server on loopback that keeps what it accepts, and can break while it does."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.policy import default
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

from tests.listeners import listening

REFUSE, BREAK = "refuse", "break"
"""Faults: the server refuses a mail for now, or keeps it and breaks before it says so."""


@dataclass
class MailServer:
    """Each fault in `faults` happens to one mail, in order; later mails are accepted."""

    port: int = 0
    faults: list[str] = field(default_factory=list)
    mails: list[Message] = field(default_factory=list)
    dialogues: int = 0

    @property
    def inbox(self) -> dict[str, Message]:
        """Mails as a mailbox shows them: one for each Message-ID."""
        return {str(mail["Message-ID"]): mail for mail in self.mails}


class Dialogue(StreamRequestHandler):
    """One connection of a mail program."""

    server: "Listener"

    def handle(self) -> None:
        kept = self.server.kept
        kept.dialogues += 1
        fault = kept.faults.pop(0) if kept.faults else ""
        self.say("220 mail.example")
        while line := self.rfile.readline():
            verb = line[:4].decode().strip().upper()
            if verb == "DATA":
                self.say("354 Go on")
                kept.mails.append(message_from_bytes(b"".join(self.lines()), policy=default))
                if fault == BREAK:
                    return  # the connection ends before the mail is acknowledged
            is_refused = verb == "MAIL" and fault == REFUSE
            self.say("451 Try again later" if is_refused else "250 OK")

    def say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())

    def lines(self) -> Iterator[bytes]:
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            yield line.removeprefix(b".") if line.startswith(b"..") else line


class Listener(ThreadingTCPServer):
    """The socket on which a mail server listens."""

    allow_reuse_address, daemon_threads = True, True
    kept: MailServer


@contextmanager
def serving_mail() -> Iterator[MailServer]:
    listener = Listener(("127.0.0.1", 0), Dialogue)
    kept = listener.kept = MailServer(port=int(listener.server_address[1]))
    with listening(listener):
        yield kept


def part(mail: Any, kind: str) -> str:
    """The text of a mail's part of that type, such as "text/html"."""
    [found] = [one for one in mail.walk() if one.get_content_type() == kind]
    return str(found.get_content())
