"""Servers on this machine that take what is sent to the outside, and keep it.

Belongs here: an HTTP server, a mail server. Does not belong here: fixtures, what is expected of what arrives.
"""

import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeVar

Server = TypeVar("Server", bound=socketserver.TCPServer)


@contextmanager
def listening(server: Server) -> Iterator[Server]:
    """Answer from a thread of its own."""
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


class Receiver(ThreadingHTTPServer):
    """Answers with ``script`` in turn (status, headers), then 204; ``"hang"`` answers too late."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: list = []
        self.requests: list[tuple[float, str, dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/in?token=hush"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append((time.monotonic(), self.path, headers, body))
        answer = self.server.script.pop(0) if self.server.script else (204, {})
        if answer == "hang":
            time.sleep(1.0)
            return
        status, extra = answer
        self.send_response(status)
        for name, value in extra.items():
            self.send_header(name, value)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Mailbox(socketserver.ThreadingTCPServer):
    """A mail server without TLS, as RFC 5321 has it; refuses each mail while ``is_full``."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.is_full = False
        self.mails: list[tuple[list[str], EmailMessage]] = []

    @property
    def port(self) -> int:
        return self.server_address[1]


class _Conversation(socketserver.StreamRequestHandler):
    server: Mailbox

    def handle(self) -> None:
        recipients: list[str] = []
        self._say("220 mailbox")
        while line := self.rfile.readline():
            command = line.decode().strip()
            verb = command.partition(" ")[0].upper()
            if verb == "RCPT":
                recipients.append(command.partition("<")[2].rstrip(">"))
            if verb == "MAIL" and self.server.is_full:
                self._say("452 no room")
            elif verb == "DATA":
                self._say("354 go on")
                lines = []
                while (part := self.rfile.readline()) != b".\r\n":
                    lines.append(part.removeprefix(b"."))
                self.server.mails.append((recipients, message_from_bytes(b"".join(lines), policy=policy.default)))
                self._say("250 kept")
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok" if verb in ("EHLO", "HELO", "MAIL", "RCPT", "RSET") else "502 what?")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())
