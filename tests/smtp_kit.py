# SPDX-License-Identifier: Apache-2.0
"""A mail server on a real socket, as much of RFC 5321 as letters need, and what came to it."""

from __future__ import annotations

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage


class Server(socketserver.ThreadingTCPServer):
    """The server.

    Attributes:
        came: letters that were taken.
        refuses: the code with which it refuses every mailbox; 0 for none.
        sign_in: whether it wants a name and a password first.
        context: with it, it offers STARTTLS.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.came: list[EmailMessage] = []
        self.refuses = 0
        self.sign_in = False
        self.context = context

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Talk(socketserver.StreamRequestHandler):
    server: Server

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def handle(self) -> None:
        self.say("220 mail.test")
        known = not self.server.sign_in
        while line := self.rfile.readline().strip().decode():
            word = line.split(" ")[0].upper()
            if word == "EHLO":
                self.say("250-mail.test")
                self.say("250-AUTH PLAIN")
                self.say("250 STARTTLS" if self.server.context else "250 8BITMIME")
            elif word == "AUTH":
                known = True
                self.say("235 known")
            elif word == "STARTTLS" and self.server.context:
                self.say("220 go on")
                try:
                    secured = self.server.context.wrap_socket(self.connection, server_side=True)
                except OSError:
                    return
                self.rfile, self.wfile = secured.makefile("rb"), secured.makefile("wb", buffering=0)  # type: ignore[assignment] # both are streams of bytes
            elif word == "RCPT" and self.server.refuses:
                self.say(f"{self.server.refuses} no such mailbox")
            elif word == "DATA" and known:
                self.say("354 go on")
                self.server.came.append(self._letter())
                self.say("250 taken")
            elif word == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 well" if known else "530 who are you")

    def _letter(self) -> EmailMessage:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        made = message_from_bytes(b"".join(lines), policy=policy.default)
        assert isinstance(made, EmailMessage)
        return made


@contextmanager
def mailbox(context: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A server that runs meanwhile."""
    with Server(context) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
