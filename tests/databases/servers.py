"""Real database servers on this machine's loopback, for the tests and the benchmark.

Belongs here: finding the installed programs, starting, killing and asking a server. Does
not belong here: what is in the tables.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

OWNER, PASSWORD = "regulars", "p@ss:w/rd %41#?"
"""The password holds whatever a URL would have to escape."""
PASSWORD_VARIABLE = "SHOP_DB_PASSWORD"
START_SECONDS = 60


def find_program(name: str) -> str | None:
    """A server's program on PATH, or where Debian keeps it."""
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin") or (str(debian[0]) if debian else None)


class Server:
    """One server with a database ``shop``, in a folder of its own."""

    kind: str
    scheme: str
    programs: tuple[str, ...]
    users: tuple[str, ...]

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.user = (
            next((user for user in (*self.users, "nobody") if _is_user(user)), None) if os.geteuid() == 0 else None
        )
        folder.mkdir(parents=True, exist_ok=True)
        if self.user:
            shutil.chown(folder, self.user)

    @classmethod
    def missing(cls) -> str | None:
        """Why there can be no such server here; None if there can."""
        absent = [name for name in cls.programs if find_program(name) is None]
        return f"{cls.kind} is not installed here ({', '.join(absent)})" if absent else None

    @property
    def url(self) -> str:
        """As it stands in the settings: the password is in the environment."""
        return f"{self.scheme}://{OWNER}:${{{PASSWORD_VARIABLE}}}@127.0.0.1:{self.port}/shop"

    def command(self) -> list[str]:
        raise NotImplementedError

    def start(self) -> None:
        log = (self.folder / "server.log").open("ab")
        self.process = subprocess.Popen(
            self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL, **self._as_user()
        )
        log.close()
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{self.kind} did not start:\n{(self.folder / 'server.log').read_text()[-2000:]}")
            time.sleep(0.1)

    def kill(self) -> None:
        """As if the machine had lost power."""
        assert self.process is not None
        # PostgreSQL's connections are processes of their own, which outlive their parent by a moment
        for process in [*_children(self.process.pid), self.process.pid]:
            os.kill(process, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM if self.kind == "MariaDB" else signal.SIGINT)
            self.process.wait(30)
            self.process = None

    def engine(self, database: str = "shop") -> sa.Engine:
        driver = {"postgresql": "postgresql+psycopg", "mariadb": "mariadb+pymysql"}[self.scheme]
        url = sa.URL.create(driver, OWNER, PASSWORD, "127.0.0.1", self.port, database)
        return sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")

    def run(self, *statements: str, values: Sequence[dict[str, object]] | None = None) -> None:
        with self.engine().connect() as connection:
            for statement in statements:
                connection.execute(sa.text(statement), list(values) if values else None)

    def _answers(self) -> bool:
        try:
            with self.engine(self._first_database).connect():
                return True
        except sa.exc.DBAPIError:
            return False

    _first_database = "shop"

    def _as_user(self) -> dict[str, object]:
        if self.user is None:
            return {"cwd": self.folder}
        return {"user": self.user, "group": pwd.getpwnam(self.user).pw_gid, "extra_groups": [], "cwd": self.folder}

    def _make(self, command: list[str], stdin: bytes = b"") -> None:
        done = subprocess.run(command, input=stdin, capture_output=True, **self._as_user())
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]} failed:\n{(done.stdout + done.stderr).decode()[-2000:]}")


class PostgreSQL(Server):
    kind, scheme = "PostgreSQL", "postgresql"
    programs, users = ("initdb", "postgres"), ("postgres",)
    _first_database = "postgres"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        password = folder / "password"
        password.write_text(PASSWORD, encoding="utf-8")
        password.chmod(0o644)
        program = find_program("initdb")
        assert program is not None
        self._make(
            [
                *(program, "-D", str(folder / "data"), "-U", OWNER, "--pwfile", str(password)),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"),
            ]
        )

    def command(self) -> list[str]:
        program = find_program("postgres")
        assert program is not None
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self.folder,
            "fsync": "off",
            # a clock that is neither UTC nor the shop's
            "timezone": "America/New_York",
        }
        return [program, "-D", str(self.folder / "data"), *(f"--{name}={value}" for name, value in settings.items())]

    def start(self) -> None:
        super().start()
        with self.engine("postgres").connect() as connection:
            if not connection.execute(sa.text("select 1 from pg_database where datname = 'shop'")).first():
                connection.execute(sa.text("create database shop"))


class MariaDB(Server):
    kind, scheme = "MariaDB", "mariadb"
    programs, users = ("mariadb-install-db", "mariadbd"), ("mysql",)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        program = find_program("mariadb-install-db")
        assert program is not None
        self._make(
            [
                *(program, "--no-defaults", f"--datadir={folder / 'data'}", "--skip-test-db"),
                "--auth-root-authentication-method=normal",
            ]
        )
        (folder / "init.sql").write_text(
            "create database if not exists shop character set utf8mb4;\n"
            f"create user if not exists '{OWNER}'@'127.0.0.1' identified by '{PASSWORD}';\n"
            f"grant all on shop.* to '{OWNER}'@'127.0.0.1';\n",
            encoding="utf-8",
        )

    def command(self) -> list[str]:
        program = find_program("mariadbd")
        assert program is not None
        return [
            *(program, "--no-defaults", f"--datadir={self.folder / 'data'}", f"--port={self.port}"),
            *("--bind-address=127.0.0.1", f"--socket={self.folder / 's.sock'}", f"--pid-file={self.folder / 'pid'}"),
            *(f"--init-file={self.folder / 'init.sql'}", "--skip-name-resolve", "--character-set-server=utf8mb4"),
            # a clock that is neither UTC nor the shop's
            "--default-time-zone=-05:00",
        ]


SERVERS: dict[str, type[Server]] = {"postgresql": PostgreSQL, "mariadb": MariaDB}


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _is_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in found.read_text().split()] if found.exists() else []
