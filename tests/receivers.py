"""Servers on this machine that take what is sent to the outside, and keep it.

Belongs here: an HTTP server, a mail server. Does not belong here: fixtures, what is expected of what arrives.
"""

import base64
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

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
    """A mail server as RFC 5321 has it; with ``tls``, by STARTTLS (RFC 3207) and with a login (RFC 4954)."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.tls = tls
        self.mails: list[tuple[list[str], EmailMessage]] = []
        self.logins: list[tuple[str, str]] = []

    @property
    def port(self) -> int:
        return self.server_address[1]


class _Conversation(socketserver.StreamRequestHandler):
    server: Mailbox

    def handle(self) -> None:
        recipients: list[str] = []
        is_encrypted = False
        self._say("220 mailbox")
        while line := self.rfile.readline():
            command = line.decode().strip()
            verb, _, rest = command.partition(" ")
            verb = verb.upper()
            if verb == "EHLO" and self.server.tls is not None:
                self._say("250-mailbox", "250 AUTH PLAIN" if is_encrypted else "250 STARTTLS")
            elif verb == "STARTTLS" and self.server.tls is not None:
                self._say("220 go on")
                self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
                self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
                is_encrypted = True
            elif verb == "AUTH" and is_encrypted:
                _, user, password = base64.b64decode(rest.removeprefix("PLAIN ")).decode().split("\0")
                self.server.logins.append((user, password))
                self._say("235 welcome")
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
                if verb == "RCPT":
                    recipients.append(rest.partition("<")[2].rstrip(">"))
                self._say("250 ok" if verb in ("EHLO", "HELO", "MAIL", "RCPT", "RSET") else "502 what?")

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())


def own_certificate(folder: Path) -> Path:
    """A key and a certificate of 127.0.0.1 that it signs itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    path = folder / "own.pem"
    path.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(pem)
    )
    return path
